package dev.uncurl.jobs.warehouse.row;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Constructor;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.CatalystTypeConverters;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import scala.Function1;

/**
 * Converts between records and Spark's rows of one schema, by name: component {@code modelId} is column
 * {@code model_id}. Accessors, constructor and column positions are looked up once; there is no reflection per row.
 *
 * <p>Types: String, int, long, float, double, boolean, Instant (timestamp), byte[] (binary), int[], long[], float[] and
 * double[] (arrays of those), List (array), Map, and a record for a struct. A value that may be null is an
 * {@link Optional}. An instance must not be used by several threads at the same time.
 */
public final class RecordMapper<R extends Record> {
    /** A component and the column of its name. */
    private record Binding(
            String column, int ordinal, boolean optional, StructField field, MethodHandle accessor, ValueCodec codec) {}

    private final String place;
    private final StructType schema;
    private final List<Binding> bindings;
    private final MethodHandle constructor;
    private Function1<Object, Object> toRow;
    private Function1<Object, Object> toInternal;

    /**
     * @param complete whether every column that is never null must have a component
     * @param exact whether the components that are Optional must be those whose columns may be null
     */
    private RecordMapper(Class<R> type, StructType schema, String place, boolean complete, boolean exact) {
        this.place = place;
        this.schema = schema;
        RecordComponent[] components = type.getRecordComponents();
        this.bindings = Arrays.stream(components)
                .map(component -> bind(component, complete, exact))
                .toList();
        this.constructor = constructor(type, components);
        if (complete) {
            requireComplete(type);
        }
    }

    /**
     * Makes a mapper for reading. Each component must have its column; other columns are ignored.
     *
     * @param place what the rows are, for messages: a table, or the name of a query
     * @throws IllegalStateException when a component has no column, or one of another type
     */
    public static <R extends Record> RecordMapper<R> reader(Class<R> type, StructType schema, String place) {
        return new RecordMapper<>(type, schema, place, false, false);
    }

    /**
     * Makes a mapper for reading and writing rows of a table. A nullable column without a component is written as null: the
     * record is older than the table.
     *
     * @param table its name, for messages
     * @throws IllegalStateException when a component has no column, or one of another type; when a column without null has
     *     no component; when a component is Optional and its column is never null, or the other way round
     */
    public static <R extends Record> RecordMapper<R> ofTable(Class<R> type, StructType schema, String table) {
        return new RecordMapper<>(type, schema, table, true, true);
    }

    /** For a struct, whose fields SQL cannot declare as never null. */
    private static <S extends Record> ValueCodec struct(
            Class<S> type, StructType schema, String place, boolean complete) {
        var mapper = new RecordMapper<>(type, schema, place, complete, false);
        return ValueCodec.of(
                value -> mapper.toInternal(type.cast(value)), value -> mapper.fromInternal((InternalRow) value));
    }

    /** Names of the columns of a record, in the order of its components. */
    public static List<String> columns(Class<? extends Record> type) {
        return Arrays.stream(type.getRecordComponents())
                .map(RecordMapper::column)
                .toList();
    }

    private static String column(RecordComponent component) {
        return component.getName().replaceAll("[A-Z]", "_$0").toLowerCase(Locale.ROOT);
    }

    private Binding bind(RecordComponent component, boolean complete, boolean exact) {
        String name = column(component);
        String where = place + ", column " + name;
        int ordinal = Arrays.asList(schema.fieldNames()).indexOf(name);
        if (ordinal < 0) {
            throw new IllegalStateException(where + ": there is no such column, but "
                    + component.getDeclaringRecord().getSimpleName() + " has a component " + component.getName());
        }
        StructField field = schema.fields()[ordinal];
        Type type = component.getGenericType();
        boolean optional = component.getType() == Optional.class;
        if (optional) {
            type = ((ParameterizedType) type).getActualTypeArguments()[0];
        }
        if (exact && optional != field.nullable()) {
            throw new IllegalStateException(where + (field.nullable() ? " may be null" : " is never null")
                    + ": component " + component.getName() + " of "
                    + component.getDeclaringRecord().getSimpleName() + " must " + (optional ? "not " : "")
                    + "be Optional");
        }
        return new Binding(
                name,
                ordinal,
                optional,
                field,
                accessor(component),
                ValueCodec.of(
                        type, field.dataType(), where, (record, struct, at) -> struct(record, struct, at, complete)));
    }

    private void requireComplete(Class<R> type) {
        var bound = new HashSet<>(columns(type));
        for (StructField field : schema.fields()) {
            if (!field.nullable() && !bound.contains(field.name())) {
                throw new IllegalStateException(place + ", column " + field.name() + " is never null, but "
                        + type.getSimpleName() + " has no component for it");
            }
        }
    }

    private static MethodHandle accessor(RecordComponent component) {
        try {
            component.getAccessor().setAccessible(true);
            return MethodHandles.lookup()
                    .unreflect(component.getAccessor())
                    .asType(MethodType.methodType(Object.class, Object.class));
        } catch (IllegalAccessException e) {
            throw new IllegalStateException("Component " + component + " cannot be read", e);
        }
    }

    private static MethodHandle constructor(Class<?> type, RecordComponent[] components) {
        try {
            Constructor<?> canonical = type.getDeclaredConstructor(
                    Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new));
            canonical.setAccessible(true);
            return MethodHandles.lookup()
                    .unreflectConstructor(canonical)
                    .asType(MethodType.genericMethodType(components.length))
                    .asSpreader(Object[].class, components.length);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("Record " + type.getName() + " cannot be made", e);
        }
    }

    /** @throws IllegalArgumentException for a null where the column is never null, or within an array or map */
    public InternalRow toInternal(R record) {
        Object[] values = new Object[schema.length()];
        for (Binding binding : bindings) {
            Object value = get(binding.accessor, record);
            if (binding.optional && value != null) {
                value = ((Optional<?>) value).orElse(null);
                if (value == null) {
                    continue;
                }
            }
            values[binding.ordinal] = binding.codec.write(required(value, binding));
        }
        return new GenericInternalRow(values);
    }

    /**
     * Copies what the row holds.
     *
     * @throws IllegalArgumentException for a null where the component is not Optional, or within an array or map
     */
    public R fromInternal(InternalRow row) {
        Object[] values = new Object[bindings.size()];
        for (int i = 0; i < values.length; i++) {
            Binding binding = bindings.get(i);
            if (row.isNullAt(binding.ordinal)) {
                values[i] = binding.optional ? Optional.empty() : required(null, binding);
            } else {
                Object value = binding.codec.read(row.get(binding.ordinal, binding.field.dataType()));
                values[i] = binding.optional ? Optional.of(value) : value;
            }
        }
        return make(values);
    }

    /** As {@link #toInternal}, for data frames. */
    public Row toRow(R record) {
        if (toRow == null) {
            toRow = CatalystTypeConverters.createToScalaConverter(schema);
        }
        return (Row) toRow.apply(toInternal(record));
    }

    /** As {@link #fromInternal}, for rows of data frames of the schema. */
    public R fromRow(Row row) {
        if (toInternal == null) {
            toInternal = CatalystTypeConverters.createToCatalystConverter(schema);
        }
        return fromInternal((InternalRow) toInternal.apply(row));
    }

    private Object required(Object value, Binding binding) {
        if (value == null) {
            throw new IllegalArgumentException(place + ", column " + binding.column + ": null");
        }
        return value;
    }

    private static Object get(MethodHandle accessor, Object record) {
        try {
            return (Object) accessor.invokeExact(record);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e); // an accessor declares no checked exception
        }
    }

    @SuppressWarnings("unchecked")
    private R make(Object[] values) {
        try {
            return (R) (Object) constructor.invokeExact(values);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e); // a canonical constructor declares no checked exception
        }
    }
}

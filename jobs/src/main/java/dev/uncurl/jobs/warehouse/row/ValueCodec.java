package dev.uncurl.jobs.warehouse.row;

import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.apache.spark.sql.catalyst.expressions.UnsafeArrayData;
import org.apache.spark.sql.catalyst.util.ArrayBasedMapData;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.catalyst.util.DateTimeUtils;
import org.apache.spark.sql.catalyst.util.GenericArrayData;
import org.apache.spark.sql.catalyst.util.MapData;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.unsafe.types.UTF8String;

/** Converts values of one Java type to and from those of Spark's internal rows. No value is null. */
interface ValueCodec {
    /** The internal value. */
    Object write(Object value);

    /** The Java value, which shares no memory with the internal one. */
    Object read(Object internal);

    /** Makes the codec of a record whose column is a struct. */
    @FunctionalInterface
    interface Structs {
        ValueCodec of(Class<? extends Record> record, StructType struct, String place);
    }

    /** Types whose internal values are the Java values themselves. */
    Map<Type, DataType> SAME = Map.ofEntries(
            Map.entry(int.class, DataTypes.IntegerType),
            Map.entry(Integer.class, DataTypes.IntegerType),
            Map.entry(long.class, DataTypes.LongType),
            Map.entry(Long.class, DataTypes.LongType),
            Map.entry(float.class, DataTypes.FloatType),
            Map.entry(Float.class, DataTypes.FloatType),
            Map.entry(double.class, DataTypes.DoubleType),
            Map.entry(Double.class, DataTypes.DoubleType),
            Map.entry(boolean.class, DataTypes.BooleanType),
            Map.entry(Boolean.class, DataTypes.BooleanType),
            Map.entry(byte[].class, DataTypes.BinaryType));

    /**
     * @param place table and column, for messages
     * @param structs converts the records that are structs
     * @throws IllegalStateException when the types do not fit
     */
    static ValueCodec of(Type type, DataType column, String place, Structs structs) {
        if (column.equals(SAME.get(type))) {
            return of(value -> value, value -> value);
        }
        if (type == String.class && column.equals(DataTypes.StringType)) {
            return new Strings();
        }
        if (type == Instant.class && column.equals(DataTypes.TimestampType)) {
            return of(
                    value -> DateTimeUtils.instantToMicros((Instant) value),
                    value -> DateTimeUtils.microsToInstant((Long) value));
        }
        if (column instanceof ArrayType array) {
            if (array.elementType().equals(elementOfPrimitives(type))) {
                return primitives((Class<?>) type, place);
            }
            if (raw(type) == List.class) {
                return list(of(argument(type, 0), array.elementType(), place, structs), array.elementType(), place);
            }
        }
        if (column instanceof MapType map && raw(type) == Map.class) {
            return map(
                    list(of(argument(type, 0), map.keyType(), place, structs), map.keyType(), place),
                    list(of(argument(type, 1), map.valueType(), place, structs), map.valueType(), place));
        }
        if (column instanceof StructType struct && type instanceof Class<?> record && record.isRecord()) {
            return structs.of(record.asSubclass(Record.class), struct, place);
        }
        throw new IllegalStateException(
                place + " is " + column.catalogString() + ", but its component is " + type.getTypeName());
    }

    static ValueCodec of(Function<Object, Object> write, Function<Object, Object> read) {
        return new ValueCodec() {
            @Override
            public Object write(Object value) {
                return write.apply(value);
            }

            @Override
            public Object read(Object internal) {
                return read.apply(internal);
            }
        };
    }

    private static Object raw(Type type) {
        return type instanceof ParameterizedType parameterized ? parameterized.getRawType() : type;
    }

    private static Type argument(Type type, int index) {
        return ((ParameterizedType) type).getActualTypeArguments()[index];
    }

    /** Null for what is no array of numbers. */
    private static DataType elementOfPrimitives(Type type) {
        if (type == int[].class) {
            return DataTypes.IntegerType;
        }
        if (type == long[].class) {
            return DataTypes.LongType;
        }
        if (type == float[].class) {
            return DataTypes.FloatType;
        }
        return type == double[].class ? DataTypes.DoubleType : null;
    }

    private static ValueCodec primitives(Class<?> type, String place) {
        if (type == int[].class) {
            return of(value -> UnsafeArrayData.fromPrimitiveArray((int[]) value), value -> withoutNulls(value, place)
                    .toIntArray());
        }
        if (type == long[].class) {
            return of(value -> UnsafeArrayData.fromPrimitiveArray((long[]) value), value -> withoutNulls(value, place)
                    .toLongArray());
        }
        if (type == float[].class) {
            return of(value -> UnsafeArrayData.fromPrimitiveArray((float[]) value), value -> withoutNulls(value, place)
                    .toFloatArray());
        }
        return of(value -> UnsafeArrayData.fromPrimitiveArray((double[]) value), value -> withoutNulls(value, place)
                .toDoubleArray());
    }

    private static ArrayData withoutNulls(Object value, String place) {
        var array = (ArrayData) value;
        for (int i = 0; i < array.numElements(); i++) {
            if (array.isNullAt(i)) {
                throw new IllegalArgumentException(place + ": null at index " + i);
            }
        }
        return array;
    }

    /** Writes any collection, reads a list that cannot be changed. */
    private static ValueCodec list(ValueCodec element, DataType type, String place) {
        return of(
                value -> {
                    var internal = new ArrayList<Object>();
                    for (Object one : (Collection<?>) value) {
                        if (one == null) {
                            throw new IllegalArgumentException(place + ": null at index " + internal.size());
                        }
                        internal.add(element.write(one));
                    }
                    return new GenericArrayData(internal.toArray());
                },
                value -> {
                    ArrayData array = withoutNulls(value, place);
                    var list = new ArrayList<Object>(array.numElements());
                    for (int i = 0; i < array.numElements(); i++) {
                        list.add(element.read(array.get(i, type)));
                    }
                    return Collections.unmodifiableList(list);
                });
    }

    /** Keeps the order of the entries. */
    private static ValueCodec map(ValueCodec keys, ValueCodec values) {
        return of(
                value -> {
                    var map = (Map<?, ?>) value;
                    return new ArrayBasedMapData(
                            (ArrayData) keys.write(map.keySet()), (ArrayData) values.write(map.values()));
                },
                value -> {
                    var data = (MapData) value;
                    var keyList = (List<?>) keys.read(data.keyArray());
                    var valueList = (List<?>) values.read(data.valueArray());
                    var map = new LinkedHashMap<Object, Object>();
                    for (int i = 0; i < keyList.size(); i++) {
                        map.put(keyList.get(i), valueList.get(i));
                    }
                    return Collections.unmodifiableMap(map);
                });
    }

    /** Rows of one file repeat their strings: one that is the same object as the last is not encoded again. */
    final class Strings implements ValueCodec {
        private Object last;
        private UTF8String encoded;

        @Override
        public Object write(Object value) {
            if (value != last) {
                encoded = UTF8String.fromString((String) value);
                last = value;
            }
            return encoded;
        }

        @Override
        public Object read(Object internal) {
            return internal.toString();
        }
    }
}

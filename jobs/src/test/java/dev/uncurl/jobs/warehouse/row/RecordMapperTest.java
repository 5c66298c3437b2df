package dev.uncurl.jobs.warehouse.row;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.StructType;
import org.assertj.core.api.recursive.comparison.RecursiveComparisonConfiguration;
import org.junit.jupiter.api.Test;

class RecordMapperTest {
    /** Every type that a column can have. */
    record Everything(
            String text,
            int count,
            long bigCount,
            float single,
            double value2,
            boolean isSet,
            Instant madeAt,
            byte[] bytes,
            int[] ints,
            long[] longs,
            float[] floats,
            double[] doubles,
            List<String> texts,
            List<int[]> lists,
            Map<String, Long> counts,
            List<Part> parts,
            Optional<Integer> maybe,
            Optional<List<int[]>> choices) {}

    record Part(int layer, Optional<Double> score) {}

    private static final StructType SCHEMA = StructType.fromDDL("`count` INT NOT NULL, text STRING NOT NULL,"
            + " maybe INT, big_count BIGINT NOT NULL, single FLOAT NOT NULL, value2 DOUBLE NOT NULL,"
            + " is_set BOOLEAN NOT NULL, made_at TIMESTAMP NOT NULL, bytes BINARY NOT NULL, ints ARRAY<INT> NOT NULL,"
            + " longs ARRAY<BIGINT> NOT NULL, floats ARRAY<FLOAT> NOT NULL, doubles ARRAY<DOUBLE> NOT NULL,"
            + " texts ARRAY<STRING> NOT NULL, lists ARRAY<ARRAY<INT>> NOT NULL, counts MAP<STRING, BIGINT> NOT NULL,"
            + " parts ARRAY<STRUCT<score: DOUBLE, layer: INT>> NOT NULL, choices ARRAY<ARRAY<INT>>");

    @Provide
    Arbitrary<Everything> everything() {
        var numbers = Combinators.combine(
                Arbitraries.integers(), Arbitraries.longs(), Arbitraries.floats(), Arbitraries.doubles());
        var ints = Arbitraries.integers().array(int[].class).ofMaxSize(4);
        return numbers.as((count, big, single, value) -> Combinators.combine(
                                Arbitraries.strings().ofMaxLength(5),
                                Arbitraries.longs().between(-1L << 50, 1L << 50),
                                ints,
                                ints.list().ofMaxSize(3),
                                Arbitraries.maps(Arbitraries.strings().ofMaxLength(3), Arbitraries.longs())
                                        .ofMaxSize(4),
                                Arbitraries.integers().optional())
                        .as((text, micros, array, lists, counts, maybe) -> new Everything(
                                text,
                                count,
                                big,
                                single,
                                value,
                                count % 2 == 0,
                                Instant.EPOCH.plus(micros, java.time.temporal.ChronoUnit.MICROS),
                                new byte[] {count.byteValue()},
                                array,
                                new long[] {big},
                                new float[] {single, Float.NaN},
                                new double[] {value, -0.0},
                                List.of(text, text),
                                lists,
                                counts,
                                List.of(new Part(count, Optional.of(value)), new Part(1, Optional.empty())),
                                maybe,
                                maybe.map(one -> lists))))
                .flatMap(arbitrary -> arbitrary);
    }

    private static final RecursiveComparisonConfiguration BITS = RecursiveComparisonConfiguration.builder()
            .withComparatorForType(Float::compare, Float.class)
            .withComparatorForType(Double::compare, Double.class)
            .build();

    @Property(tries = 200)
    void aRecordComesBackFromItsRowAndFromItsInternalRow(@ForAll("everything") Everything record) {
        var mapper = RecordMapper.ofTable(Everything.class, SCHEMA, "all");
        assertThat(mapper.fromInternal(mapper.toInternal(record)))
                .usingRecursiveComparison(BITS)
                .isEqualTo(record);
        assertThat(mapper.fromRow(mapper.toRow(record)))
                .usingRecursiveComparison(BITS)
                .isEqualTo(record);
    }

    @Property(tries = 200)
    void aRowHasTheValuesOfTheComponentsUnderTheNamesOfTheColumns(@ForAll("everything") Everything record) {
        Row row = RecordMapper.ofTable(Everything.class, SCHEMA, "all").toRow(record);
        assertThat(row.<String>getAs("text")).isEqualTo(record.text);
        assertThat(row.<Integer>getAs("count")).isEqualTo(record.count);
        assertThat(row.<Long>getAs("big_count")).isEqualTo(record.bigCount);
        assertThat(row.<Float>getAs("single")).isEqualTo(record.single);
        assertThat(row.<Double>getAs("value2")).isEqualTo(record.value2);
        assertThat(row.<Boolean>getAs("is_set")).isEqualTo(record.isSet);
        assertThat(row.<java.sql.Timestamp>getAs("made_at").toInstant()).isEqualTo(record.madeAt);
        assertThat(row.<byte[]>getAs("bytes")).isEqualTo(record.bytes);
        assertThat(row.<Integer>getList(row.fieldIndex("ints")))
                .isEqualTo(Arrays.stream(record.ints).boxed().toList());
        assertThat(row.<String, Long>getJavaMap(row.fieldIndex("counts"))).isEqualTo(record.counts);
        assertThat(row.<Row>getList(row.fieldIndex("parts")))
                .extracting(part -> part.<Integer>getAs("layer"))
                .containsExactly(record.count, 1);
        assertThat(row.<Row>getList(row.fieldIndex("parts")).get(1).<Double>getAs("score"))
                .isNull();
        assertThat(row.<Integer>getAs("maybe")).isEqualTo(record.maybe.orElse(null));
    }

    record Old(String name, int n) {}

    record Extended(String name, int n, Optional<Long> added) {}

    record Strict(String name, int n, long added) {}

    private static final StructType BEFORE = StructType.fromDDL("name STRING NOT NULL, n INT NOT NULL");

    @Test
    void aNullableColumnThatARecordLacksIsWrittenAsNullAndARecordThatHasItReadsBoth() {
        StructType after = StructType.fromDDL("name STRING NOT NULL, added BIGINT, n INT NOT NULL");
        Row old = RecordMapper.ofTable(Old.class, after, "t").toRow(new Old("a", 1));
        assertThat(old).isEqualTo(RowFactory.create("a", null, 1));
        var mapper = RecordMapper.ofTable(Extended.class, after, "t");
        assertThat(mapper.fromRow(old)).isEqualTo(new Extended("a", 1, Optional.empty()));
        var extended = new Extended("b", 2, Optional.of(7L));
        assertThat(mapper.toRow(extended)).isEqualTo(RowFactory.create("b", 7L, 2));
        assertThat(mapper.fromRow(mapper.toRow(extended))).isEqualTo(extended);
    }

    @Test
    void aColumnWithoutNullsThatARecordLacksIsRefusedWithTableAndColumn() {
        StructType after = StructType.fromDDL("name STRING NOT NULL, n INT NOT NULL, added BIGINT NOT NULL");
        assertThatThrownBy(() -> RecordMapper.ofTable(Old.class, after, "some.table"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("some.table, column added")
                .hasMessageContaining("Old");
    }

    @Test
    void aComponentWithoutColumnOrOfAnotherTypeOrNullnessIsRefusedWithTableAndColumn() {
        assertThatThrownBy(() -> RecordMapper.ofTable(Extended.class, BEFORE, "some.table"))
                .hasMessageContaining("some.table, column added")
                .hasMessageContaining("Extended");
        assertThatThrownBy(() -> RecordMapper.reader(Extended.class, BEFORE, "some.table"))
                .hasMessageContaining("some.table, column added");
        StructType text = StructType.fromDDL("name STRING NOT NULL, n STRING NOT NULL");
        assertThatThrownBy(() -> RecordMapper.ofTable(Old.class, text, "some.table"))
                .hasMessageContaining("some.table, column n is string")
                .hasMessageContaining("int");
        StructType nullable = StructType.fromDDL("name STRING NOT NULL, n INT NOT NULL, added BIGINT");
        assertThatThrownBy(() -> RecordMapper.ofTable(Strict.class, nullable, "some.table"))
                .hasMessageContaining("some.table, column added may be null");
        StructType never = StructType.fromDDL("name STRING NOT NULL, n INT NOT NULL, added BIGINT NOT NULL");
        assertThatThrownBy(() -> RecordMapper.ofTable(Extended.class, never, "some.table"))
                .hasMessageContaining("some.table, column added is never null");
    }

    @Test
    void aNullWhereNoneMayBeIsRefusedWithTableAndColumn() {
        assertThatThrownBy(() ->
                        RecordMapper.ofTable(Old.class, BEFORE, "some.table").toRow(new Old(null, 1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("some.table, column name");
        StructType nullable = StructType.fromDDL("name STRING, n INT");
        assertThatThrownBy(
                        () -> RecordMapper.reader(Old.class, nullable, "query").fromRow(RowFactory.create("a", null)))
                .hasMessageContaining("query, column n");
        record Numbers(int[] values) {}
        StructType array = StructType.fromDDL("values ARRAY<INT>");
        assertThatThrownBy(() -> RecordMapper.reader(Numbers.class, array, "query")
                        .fromRow(RowFactory.create((Object) new Integer[] {1, null})))
                .hasMessageContaining("query, column values: null at index 1");
    }

    @Test
    void aReaderTakesTheColumnsOfItsRecordWhereverTheyAre() {
        StructType query = StructType.fromDDL("other STRING, n INT, more DOUBLE, name STRING");
        assertThat(RecordMapper.reader(Old.class, query, "query").fromRow(RowFactory.create("x", 3, 1.0, "a")))
                .isEqualTo(new Old("a", 3));
    }
}

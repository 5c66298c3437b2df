package dev.uncurl.jobs.warehouse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.warehouse.row.GramRow;
import dev.uncurl.jobs.warehouse.row.RecordMapper;
import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.apache.iceberg.Table;
import org.apache.iceberg.spark.Spark3Util;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.parser.CatalystSqlParser;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.catalyst.plans.logical.CreateTable;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RowTypesTest {
    private static final String COPY = "uncurl.copies.gram";

    private static StructType definition(UncurlTable table) throws ParseException {
        return ((CreateTable) new CatalystSqlParser().parsePlan(TableSchemas.definition(table))).tableSchema();
    }

    @ParameterizedTest
    @EnumSource
    void everyTableHasARecordWithItsColumnsTheirTypesAndNulls(UncurlTable table) throws ParseException {
        StructType schema = definition(table);
        assertThat(RecordMapper.columns(table.rowType())).containsExactly(schema.fieldNames());
        RecordComponent[] components = table.rowType().getRecordComponents();
        for (int i = 0; i < components.length; i++) {
            StructField field = schema.fields()[i];
            assertThat(components[i].getType() == Optional.class)
                    .as(table.id() + "." + field.name())
                    .isEqualTo(field.nullable());
        }
        assertThatCode(() -> RecordMapper.ofTable(table.rowType(), schema, table.id()))
                .doesNotThrowAnyException();
    }

    /** {@link GramRow} with one more column. */
    private record Extended(
            String modelId,
            String task,
            String split,
            int layer,
            int experts,
            long tokens,
            long sequences,
            Optional<Double> added,
            double[] gram,
            String manifestSha256,
            String data,
            String sample) {}

    private static GramRow old(int layer) {
        return new GramRow("m", "t", "train", layer, 1, 2, 3, new double[] {4}, "sha", "data", "all");
    }

    /** Writes a data frame of records, and a data file of others. */
    private static <R extends Record> void write(Warehouse warehouse, Class<R> type, R frame, R file) throws Exception {
        Dataset<Row> rows = warehouse.spark().table(COPY);
        var mapper = RecordMapper.ofTable(type, rows.schema(), COPY);
        warehouse
                .spark()
                .createDataFrame(List.of(mapper.toRow(frame)), rows.schema())
                .writeTo(COPY)
                .append();
        Table table = Spark3Util.loadIcebergTable(warehouse.spark(), COPY);
        try (var out = new DataFileWriter<>(type, table, type.getSimpleName(), "m", "t", "train")) {
            out.add(file);
            table.newAppend().appendFile(out.end()).commit();
        }
        warehouse.spark().catalog().refreshTable(COPY);
    }

    @Test
    @Tag("slow")
    void oneMoreNullableColumnInACopyOfADefinitionNeedsNothingOfARecordThatDoesNotKnowIt(@TempDir Path folder)
            throws Exception {
        Warehouse warehouse = new Cli(folder).open();
        warehouse.spark().sql("CREATE NAMESPACE uncurl.copies");
        String definition = TableSchemas.definition(UncurlTable.GRAM)
                .replace("routing.gram", COPY)
                .replace("  gram ARRAY", "  added DOUBLE COMMENT 'one more',\n  gram ARRAY");
        warehouse.spark().sql(definition);
        assertThat(warehouse.spark().table(COPY).columns()).contains("added");

        write(warehouse, GramRow.class, old(0), old(1));
        var three =
                new Extended("m", "t", "train", 2, 1, 2, 3, Optional.of(0.5), new double[] {4}, "sha", "data", "all");
        var four =
                new Extended("m", "t", "train", 3, 1, 2, 3, Optional.empty(), new double[] {5}, "sha", "data", "all");
        write(warehouse, Extended.class, three, four);

        Dataset<Row> rows = warehouse.spark().table(COPY).orderBy("layer");
        assertThat(rows.select("added").collectAsList())
                .extracting(row -> row.get(0))
                .containsExactly(null, null, 0.5, null);
        List<Extended> extended = Records.read(rows, Extended.class);
        assertThat(extended)
                .extracting(Extended::added)
                .containsExactly(Optional.empty(), Optional.empty(), Optional.of(0.5), Optional.empty());
        assertThat(extended.subList(2, 4)).usingRecursiveComparison().isEqualTo(List.of(three, four));
        assertThat(Records.read(rows.limit(2), GramRow.class))
                .usingRecursiveComparison()
                .isEqualTo(List.of(old(0), old(1)));
    }
}

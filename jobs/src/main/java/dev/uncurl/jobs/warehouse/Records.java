package dev.uncurl.jobs.warehouse;

import dev.uncurl.jobs.warehouse.row.RecordMapper;
import java.util.List;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.StructType;

/** Reads and writes rows of tables as records, by column name; see {@link RecordMapper}. */
public final class Records {
    private Records() {}

    /**
     * Collects the columns that the record names, in the order of the rows.
     *
     * @param type record of the table, or one with some of its columns
     * @throws IllegalStateException when a column is missing or of another type
     * @throws IllegalArgumentException for a null in a component that is not Optional
     */
    public static <R extends Record> List<R> read(Dataset<Row> rows, Class<R> type) {
        Dataset<Row> selected = rows.select(columns(type));
        RecordMapper<R> mapper = RecordMapper.reader(type, selected.schema(), type.getSimpleName());
        return selected.collectAsList().stream().map(mapper::fromRow).toList();
    }

    /** The columns that a record names. */
    public static Column[] columns(Class<? extends Record> type) {
        return RecordMapper.columns(type).stream().map(functions::col).toArray(Column[]::new);
    }

    /**
     * Records as a data frame with all columns of their table.
     *
     * @throws IllegalStateException when the record of the table does not fit it
     */
    public static Dataset<Row> frame(Warehouse warehouse, UncurlTable table, List<? extends Record> records) {
        var schema = warehouse.table(table).schema();
        return warehouse.spark().createDataFrame(rows(table.rowType(), table, schema, records), schema);
    }

    private static <R extends Record> List<Row> rows(
            Class<R> type, UncurlTable table, StructType schema, List<? extends Record> records) {
        RecordMapper<R> mapper = RecordMapper.ofTable(type, schema, table.id());
        return records.stream().map(record -> mapper.toRow(type.cast(record))).toList();
    }

    /** Replaces the rows that match by records, in one commit; see {@link Warehouse#replace}. */
    public static void replace(
            Warehouse warehouse, UncurlTable table, List<? extends Record> records, Object... columnsAndValues) {
        warehouse.replace(table, frame(warehouse, table, records), columnsAndValues);
    }

    /** Adds rows to a table, in one commit. */
    public static void append(Warehouse warehouse, UncurlTable table, List<? extends Record> records) {
        warehouse.append(table, frame(warehouse, table, records));
    }
}

package dev.uncurl.jobs.output;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.BinaryType;
import org.apache.spark.sql.types.BooleanType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DecimalType;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.NumericType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * Prints rows as CSV (RFC 4180) with a header. NULL is an empty cell; arrays, maps and structs are JSON that includes null
 * fields; BINARY is Base64. Times are in the session's time zone.
 */
public final class CsvTable {
    /** Characters per write. */
    private static final int BLOCK = 1 << 13;

    private CsvTable() {}

    /** Prints row by row; the driver has one partition in memory at a time. */
    public static void print(Dataset<Row> rows, PrintStream out) {
        var columns = new ArrayList<Column>();
        var header = new ArrayList<Object>();
        StructField[] fields = rows.schema().fields();
        Dataset<Row> numbered = rows.toDF(
                IntStream.range(0, fields.length).mapToObj(i -> "c" + i).toArray(String[]::new));
        for (StructField field : fields) { // two columns may have the same name
            columns.add(printable(numbered.col("c" + columns.size()), field.dataType()));
            header.add(field.name());
        }
        var block = new StringBuilder();
        append(block, header.iterator());
        Iterator<Row> lines = numbered.select(columns.toArray(Column[]::new)).toLocalIterator();
        while (lines.hasNext()) {
            Row row = lines.next();
            var values = new ArrayList<Object>();
            for (int i = 0; i < row.size(); i++) {
                values.add(row.get(i));
            }
            append(block, values.iterator());
            if (block.length() > BLOCK) {
                out.print(block);
                block.setLength(0);
            }
        }
        out.print(block);
    }

    private static Column printable(Column column, DataType type) {
        if (type instanceof ArrayType || type instanceof MapType || type instanceof StructType) {
            return functions.to_json(column, Map.of("ignoreNullFields", "false"));
        }
        if (type instanceof BinaryType) {
            return functions.base64(column);
        }
        boolean plain = type instanceof NumericType && !(type instanceof DecimalType)
                || type instanceof StringType
                || type instanceof BooleanType;
        return plain ? column : column.cast("string");
    }

    private static void append(StringBuilder text, Iterator<Object> values) {
        while (values.hasNext()) {
            Object value = values.next();
            String cell = value == null ? "" : value.toString();
            boolean quoted = cell.matches("(?s).*[\",\r\n].*") || value != null && cell.isEmpty();
            text.append(quoted ? '"' + cell.replace("\"", "\"\"") + '"' : cell).append(values.hasNext() ? "," : "\n");
        }
    }
}

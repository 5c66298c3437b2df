package dev.uncurl.jobs;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.stream.IntStream;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/** Rows as CSV, quoted as RFC 4180 says, with a header; nothing for NULL, JSON for arrays, maps and structs. */
final class CsvTable {
    private CsvTable() {}

    /** Prints row by row; the driver holds one partition at a time. */
    static void print(Dataset<Row> rows, PrintStream out) {
        var columns = new ArrayList<Column>();
        var header = new ArrayList<Object>();
        StructField[] fields = rows.schema().fields();
        Dataset<Row> numbered = rows.toDF(
                IntStream.range(0, fields.length).mapToObj(i -> "c" + i).toArray(String[]::new));
        for (StructField field : fields) { // two of them may have the same name
            Column column = numbered.col("c" + columns.size());
            DataType type = field.dataType();
            boolean nested = type instanceof ArrayType || type instanceof MapType || type instanceof StructType;
            columns.add(nested ? functions.to_json(column) : column);
            header.add(field.name());
        }
        out.print(line(header.iterator()));
        Iterator<Row> lines = numbered.select(columns.toArray(Column[]::new)).toLocalIterator();
        while (lines.hasNext()) {
            Row row = lines.next();
            var values = new ArrayList<Object>();
            for (int i = 0; i < row.size(); i++) {
                values.add(row.get(i));
            }
            out.print(line(values.iterator()));
        }
    }

    private static String line(Iterator<Object> values) {
        var line = new StringBuilder();
        while (values.hasNext()) {
            Object value = values.next();
            String text = value == null ? "" : value.toString();
            boolean quoted = text.matches("(?s).*[\",\r\n].*") || value != null && text.isEmpty();
            line.append(quoted ? '"' + text.replace("\"", "\"\"") + '"' : text).append(values.hasNext() ? "," : "\n");
        }
        return line.toString();
    }
}

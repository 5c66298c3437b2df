package dev.uncurl.jobs;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import scala.collection.JavaConverters;

/** Rows as aligned text: numbers to the right, reals with four significant decimals. */
final class TextTable {
    private TextTable() {}

    /** At most {@code limit} rows, with a line that says when there are more. */
    static String of(Dataset<Row> rows, int limit) {
        List<Row> taken = rows.takeAsList(limit + 1);
        var lines = new ArrayList<Object[]>();
        for (Row row : taken.subList(0, Math.min(limit, taken.size()))) {
            Object[] values = new Object[row.size()];
            for (int i = 0; i < values.length; i++) {
                values[i] = row.get(i);
            }
            lines.add(values);
        }
        String text = of(List.of(rows.columns()), lines);
        return taken.size() > limit ? text + "... more rows; raise --limit\n" : text;
    }

    static String of(List<String> header, List<Object[]> lines) {
        int columns = header.size();
        int[] widths = new int[columns];
        boolean[] numeric = new boolean[columns];
        java.util.Arrays.fill(numeric, !lines.isEmpty());
        var cells = new ArrayList<String[]>();
        for (int c = 0; c < columns; c++) {
            widths[c] = header.get(c).length();
        }
        for (Object[] line : lines) {
            String[] row = new String[columns];
            for (int c = 0; c < columns; c++) {
                row[c] = cell(line[c]);
                widths[c] = Math.max(widths[c], row[c].length());
                numeric[c] &= line[c] == null || line[c] instanceof Number;
            }
            cells.add(row);
        }
        var text = new StringBuilder();
        appendLine(text, header.toArray(String[]::new), widths, numeric);
        for (int c = 0; c < columns; c++) {
            text.append("-".repeat(widths[c])).append(c + 1 < columns ? "  " : "\n");
        }
        cells.forEach(row -> appendLine(text, row, widths, numeric));
        return text.toString();
    }

    private static void appendLine(StringBuilder text, String[] row, int[] widths, boolean[] numeric) {
        var line = new StringBuilder();
        for (int c = 0; c < row.length; c++) {
            String pad = " ".repeat(widths[c] - row[c].length());
            line.append(numeric[c] ? pad + row[c] : row[c] + pad).append(c + 1 < row.length ? "  " : "");
        }
        text.append(line.toString().stripTrailing()).append('\n');
    }

    private static String cell(Object value) {
        if (value == null) {
            return "-";
        }
        if (value instanceof Double || value instanceof Float) {
            double number = ((Number) value).doubleValue();
            return Math.abs(number) >= 1000
                    ? String.format(Locale.ROOT, "%.0f", number)
                    : String.format(Locale.ROOT, "%.4f", number);
        }
        if (value instanceof Row row) {
            var parts = new ArrayList<String>();
            for (int i = 0; i < row.size(); i++) {
                parts.add(cell(row.get(i)));
            }
            return "{" + String.join(", ", parts) + "}";
        }
        if (value instanceof scala.collection.Seq<?> sequence) {
            var parts = new ArrayList<String>();
            JavaConverters.seqAsJavaList(sequence).forEach(part -> parts.add(cell(part)));
            return "[" + String.join(", ", parts) + "]";
        }
        return value.toString();
    }
}

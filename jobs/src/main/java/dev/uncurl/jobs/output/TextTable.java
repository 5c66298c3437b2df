package dev.uncurl.jobs.output;

import java.math.BigDecimal;
import java.sql.Timestamp;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import scala.collection.JavaConverters;

/** Formats rows as aligned text: numbers right-aligned, real numbers by {@link Digits}, BINARY in hexadecimal. */
public final class TextTable {
    private static final DateTimeFormatter TIME = new DateTimeFormatterBuilder()
            .appendPattern("uuuu-MM-dd HH:mm:ss")
            .appendFraction(ChronoField.NANO_OF_SECOND, 0, 9, true)
            .toFormatter(Locale.ROOT);

    private final ZoneId zone;

    /** @param zone of the times */
    private TextTable(ZoneId zone) {
        this.zone = zone;
    }

    /** Formats at most {@code limit} rows; a last line says when there are more. */
    public static String of(Dataset<Row> rows, int limit) {
        List<Row> taken = rows.takeAsList(limit + 1);
        var lines = new ArrayList<Object[]>();
        for (Row row : taken.subList(0, Math.min(limit, taken.size()))) {
            Object[] values = new Object[row.size()];
            for (int i = 0; i < values.length; i++) {
                values[i] = row.get(i);
            }
            lines.add(values);
        }
        String zone = rows.sparkSession().conf().get("spark.sql.session.timeZone");
        String text = new TextTable(ZoneId.of(zone, ZoneId.SHORT_IDS)).text(List.of(rows.columns()), lines);
        return taken.size() > limit ? text + "... more rows; raise --limit\n" : text;
    }

    /** Formats the lines of a table; a value may itself have several lines. */
    public static String of(List<String> header, List<Object[]> lines) {
        return new TextTable(ZoneId.of("UTC")).text(header, lines);
    }

    private String text(List<String> header, List<Object[]> lines) {
        int columns = header.size();
        boolean[] numeric = new boolean[columns];
        Arrays.fill(numeric, !lines.isEmpty());
        var rows = new ArrayList<String[][]>();
        rows.add(header.stream()
                .map(name -> new String[] {TextWidth.visible(name)})
                .toArray(String[][]::new));
        for (Object[] line : lines) {
            rows.add(Arrays.stream(line).map(this::cellLines).toArray(String[][]::new));
            for (int c = 0; c < columns; c++) {
                numeric[c] &= line[c] == null || line[c] instanceof Number;
            }
        }
        int[] widths = new int[columns];
        for (String[][] row : rows) {
            for (int c = 0; c < columns; c++) {
                widths[c] = Math.max(
                        widths[c],
                        Arrays.stream(row[c]).mapToInt(TextWidth::of).max().orElse(0));
            }
        }
        var text = new StringBuilder();
        append(text, rows.get(0), widths, numeric);
        for (int c = 0; c < columns; c++) {
            text.append("-".repeat(widths[c])).append(c + 1 < columns ? "  " : "\n");
        }
        rows.subList(1, rows.size()).forEach(row -> append(text, row, widths, numeric));
        return text.toString();
    }

    private static void append(StringBuilder text, String[][] row, int[] widths, boolean[] numeric) {
        int height = Math.max(
                1, Arrays.stream(row).mapToInt(cell -> cell.length).max().orElse(1));
        for (int h = 0; h < height; h++) {
            var line = new StringBuilder();
            for (int c = 0; c < row.length; c++) {
                String cell = h < row[c].length ? row[c][h] : "";
                String pad = " ".repeat(widths[c] - TextWidth.of(cell));
                line.append(numeric[c] ? pad + cell : cell + pad).append(c + 1 < row.length ? "  " : "");
            }
            text.append(line.toString().stripTrailing()).append('\n');
        }
    }

    private String[] cellLines(Object value) {
        return cell(value).lines().map(TextWidth::visible).toArray(String[]::new);
    }

    private String cell(Object value) {
        if (value == null) {
            return "-";
        }
        if (value instanceof Double number) {
            return Digits.of(number);
        }
        if (value instanceof Float number) {
            return Digits.of(number.floatValue());
        }
        if (value instanceof BigDecimal number) {
            return number.toPlainString();
        }
        if (value instanceof byte[] bytes) {
            return HexFormat.of().formatHex(bytes);
        }
        if (value instanceof Timestamp time) {
            return TIME.format(time.toInstant().atZone(zone));
        }
        if (value instanceof Row row) {
            var parts = new ArrayList<String>();
            for (int i = 0; i < row.size(); i++) {
                parts.add(cell(row.get(i)));
            }
            return "{" + String.join(", ", parts) + "}";
        }
        if (value instanceof scala.collection.Map<?, ?> map) {
            var parts = new ArrayList<String>();
            JavaConverters.mapAsJavaMap(map).forEach((key, part) -> parts.add(cell(key) + ": " + cell(part)));
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

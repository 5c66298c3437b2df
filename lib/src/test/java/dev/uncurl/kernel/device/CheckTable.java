package dev.uncurl.kernel.device;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What {@code lib/gpu-check} finds, collected over its processes: file {@value #FILE} in a folder has a row a line, with tabs between
 * the cells. {@code torch_step.py} and the script add rows of their own.
 */
final class CheckTable {
    static final String FILE = "rows.tsv";

    /**
     * A row of the table.
     *
     * @param part of the run, such as "fp32"
     * @param what was checked or measured
     * @param value a number, or a word
     * @param unit of the value; empty if it has none
     * @param note such as "ok", "FAILED" or the part of a ceiling; may be empty
     */
    record Row(String part, String what, String value, String unit, String note) {
        Row {
            for (String cell : List.of(part, what, value, unit, note)) {
                if (cell.matches("(?s).*[\\t\\n\\r].*")) {
                    throw new IllegalArgumentException("A cell with a tab or a line break: " + cell);
                }
            }
        }

        private List<String> cells() {
            return List.of(part, what, value, unit, note);
        }

        private static Row of(String line) {
            String[] cells = line.split("\t", -1);
            if (cells.length != 5) {
                throw new IllegalArgumentException("Not five cells: " + line);
            }
            return new Row(cells[0], cells[1], cells[2], cells[3], cells[4]);
        }

        private String json() {
            String number = value.matches("-?(0|[1-9]\\d*)(\\.\\d+)?([eE][-+]?\\d+)?") ? value : text(value);
            return "{\"part\": " + text(part) + ", \"what\": " + text(what) + ", \"value\": " + number + ", \"unit\": "
                    + text(unit) + ", \"note\": " + text(note) + "}";
        }

        private static String text(String value) {
            var json = new StringBuilder("\"");
            for (char c : value.toCharArray()) {
                if (c == '"' || c == '\\') {
                    json.append('\\').append(c);
                } else if (c < ' ') {
                    json.append(String.format("\\u%04x", (int) c));
                } else {
                    json.append(c);
                }
            }
            return json.append('"').toString();
        }
    }

    private final Path folder;

    /** @param folder where {@value #FILE} is or will be */
    CheckTable(Path folder) {
        this.folder = folder;
    }

    /** Of system property {@code out}, or of the working directory. */
    static CheckTable ofProcess() {
        return new CheckTable(Path.of(System.getProperty("out", ".")));
    }

    void add(Row row) throws IOException {
        Files.writeString(
                folder.resolve(FILE),
                String.join("\t", row.cells()) + "\n",
                StandardOpenOption.CREATE,
                StandardOpenOption.APPEND);
    }

    void add(String part, String what, double value, String unit, String note) throws IOException {
        add(new Row(part, what, String.format(Locale.ROOT, "%.4g", value), unit, note));
    }

    /** All rows so far. */
    List<Row> rows() throws IOException {
        Path file = folder.resolve(FILE);
        return Files.exists(file)
                ? Files.readAllLines(file).stream().map(Row::of).toList()
                : List.of();
    }

    /** The rows in columns, those of a part after each other. */
    static String text(List<Row> rows) {
        var all = new ArrayList<List<String>>();
        all.add(List.of("part", "what", "value", "unit", "note"));
        rows.forEach(row -> all.add(row.cells()));
        var text = new StringBuilder();
        for (List<String> cells : all) {
            var line = new StringBuilder();
            for (int column = 0; column < cells.size(); column++) {
                int place = column;
                int width = all.stream()
                        .mapToInt(row -> row.get(place).length())
                        .max()
                        .orElse(0);
                String pad = " ".repeat(width - cells.get(column).length());
                line.append(column == 2 ? pad + cells.get(column) : cells.get(column) + pad)
                        .append("  ");
            }
            text.append(line.toString().stripTrailing()).append('\n');
        }
        return text.toString();
    }

    static String json(List<Row> rows) {
        return "[\n" + String.join(",\n", rows.stream().map(Row::json).toList()) + "\n]\n";
    }

    /** Prints the table, ratios to PyTorch at its end, and writes it as {@code gpu-check.json} beside the rows. */
    void finish() throws IOException {
        List<Row> rows = new ArrayList<>(rows());
        rows.addAll(TorchRatios.of(rows));
        System.out.print(text(rows));
        Files.writeString(folder.resolve("gpu-check.json"), json(rows));
    }
}

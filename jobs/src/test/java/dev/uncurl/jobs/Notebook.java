package dev.uncurl.jobs;

import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * A notebook of notebooks/, run without Python: its first code cell builds the session from settings and
 * makes the views, each other one is
 * {@code spark.sql("""...""")}, with {@code .show(rows, truncate=False)} behind it where the statement has rows.
 */
public final class Notebook {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final DefaultPrettyPrinter PRINTER = new DefaultPrettyPrinter();

    static {
        PRINTER.indentArraysWith(DefaultIndenter.SYSTEM_LINEFEED_INSTANCE);
    }

    private static final Pattern SETTING = Pattern.compile("\\.config\\(\"([^\"]+)\", \"([^\"]+)\"\\)");
    private static final String VIEWS =
            """
            for view in sorted(Path("../schemas/views").glob("*.sql")):
                spark.sql(view.read_text().rstrip().rstrip(";"))"""; // as makeViews does
    private static final Pattern SETUP = Pattern.compile(
            "from pathlib import Path\n\nfrom pyspark.sql import SparkSession\n\nspark = \\(\n    SparkSession.builder\n(    "
                    + SETTING + "\n)+    .getOrCreate\\(\\)\n\\)\n\n" + Pattern.quote(VIEWS));
    private static final Pattern STATEMENT = Pattern.compile(
            "spark\\.sql\\(\"\"\"\n(.*)\n\"\"\"\\)(\\.show\\((\\d+), truncate=False\\))?", Pattern.DOTALL);

    private final JsonNode document;
    private final Map<String, String> settings = new LinkedHashMap<>();
    private final List<Cell> cells = new ArrayList<>();

    /** @param shown rows to print at most, 0 for a statement without rows; @param node as in the file */
    private record Cell(String sql, int shown, ObjectNode node) {}

    public Notebook(Path file) throws IOException {
        document = JSON.readTree(file.toFile());
        for (JsonNode cell : document.get("cells")) {
            if (cell.get("cell_type").asText().equals("code")) {
                add((ObjectNode) cell);
            }
        }
    }

    private void add(ObjectNode cell) {
        String source = String.join(
                "",
                StreamSupport.stream(cell.get("source").spliterator(), false)
                        .map(JsonNode::asText)
                        .toList());
        Matcher statement = STATEMENT.matcher(source);
        if (settings.isEmpty() && SETUP.matcher(source).matches()) {
            Matcher setting = SETTING.matcher(source);
            while (setting.find()) {
                settings.put(setting.group(1), setting.group(2));
            }
        } else if (!settings.isEmpty() && statement.matches()) {
            int shown = statement.group(2) == null ? 0 : Integer.parseInt(statement.group(3));
            cells.add(new Cell(statement.group(1), shown, cell));
        } else {
            throw new AssertionError("Neither the first cell nor one SQL statement:\n" + source);
        }
    }

    /** What the first cell does with a session: gives it the views, in the order of their names. */
    public static void makeViews(SparkSession spark) throws IOException {
        try (var files = Files.list(Path.of("..", "schemas", "views"))) {
            for (Path file : files.filter(path -> path.toString().endsWith(".sql"))
                    .sorted()
                    .toList()) {
                spark.sql(Files.readString(file).stripTrailing().replaceAll(";$", ""));
            }
        }
    }

    /** What the first cell sets. */
    public Map<String, String> settings() {
        return settings;
    }

    /**
     * Gives a session the views, as the first cell does, and runs all other cells.
     *
     * @param names what to read in place of what stands in the notebook
     * @return rows of each statement that shows some, by its text
     */
    public Map<String, List<Row>> run(SparkSession spark, Map<String, String> names) throws IOException {
        makeViews(spark);
        var results = new LinkedHashMap<String, List<Row>>();
        for (Cell cell : cells) {
            String sql = cell.sql;
            for (var name : names.entrySet()) {
                sql = sql.replace(name.getKey(), name.getValue());
            }
            Dataset<Row> rows = spark.sql(sql);
            if (cell.shown > 0) {
                results.put(cell.sql, rows.collectAsList());
            }
        }
        return results;
    }

    /** What the file has as the output of each statement that shows rows, by its text. */
    public Map<String, String> stored() {
        var stored = new LinkedHashMap<String, String>();
        for (Cell cell : cells) {
            if (cell.shown > 0) {
                var text = new StringBuilder();
                cell.node.at("/outputs/0/text").forEach(line -> text.append(line.asText()));
                stored.put(cell.sql, text.toString());
            }
        }
        return stored;
    }

    /** Runs every cell and writes the notebook with what they show, as PySpark prints it. */
    void store(SparkSession spark, Path file) throws IOException {
        for (Cell cell : cells) {
            Dataset<Row> rows = spark.sql(cell.sql);
            var outputs = cell.node.putArray("outputs");
            if (cell.shown > 0) {
                var lines = outputs.addObject()
                        .put("name", "stdout")
                        .put("output_type", "stream")
                        .putArray("text");
                // PySpark's show prints this string and a line end
                (rows.showString(cell.shown, 0, false) + "\n").lines().forEach(line -> lines.add(line + "\n"));
            }
        }
        Files.writeString(file, JSON.writer(PRINTER).writeValueAsString(document) + "\n");
    }
}

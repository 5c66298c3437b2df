package dev.uncurl.jobs.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.Notebook;
import dev.uncurl.jobs.NotebookOutputs;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** What people read of the routing tables: the HTML report and the notebooks, over dumps and plans of a tiny model. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RoutingReportTest {
    private static final String TASK = "superglue/copa";
    private static final String OTHER_TASK = "superglue/cb";

    private Path folder;
    private Cli cli;

    @BeforeAll
    void dumpTwoTasksAndPlan(@TempDir Path temporary) {
        folder = temporary;
        cli = new Cli(folder.resolve("warehouse"));
        cli.succeed("tokenize --config src/test/resources/tiny/tokenize.conf");
        cli.succeed("pretrain --model base --config src/test/resources/tiny/pretrain.conf --set train.tokens=1000");
        cli.succeed("dump-logits --model base --task " + TASK + " --tokens 1500");
        cli.succeed("dump-logits --model base --task " + OTHER_TASK + " --tokens 1000");
        for (String method : List.of("frequency", "uncurl")) {
            cli.succeed("prune --from base --task " + TASK + " --experts 2 --method " + method + " --model " + method);
        }
        cli.succeed("evaluate --task " + TASK + " --limit 20 --model base --plan all");
    }

    @Test
    void theReportShowsTheNumbersOfTheTables() throws IOException {
        Path file = folder.resolve("report.html");
        assertThat(cli.succeed(
                        "report routing --model base --task " + TASK + " --task " + OTHER_TASK + " --out " + file))
                .contains("Wrote " + file);
        HtmlTables tables = HtmlTables.of(Files.readAllBytes(file));
        Warehouse warehouse = cli.open();
        for (String task : List.of(TASK, OTHER_TASK)) {
            List<List<HtmlTables.Cell>> shares = tables.rows("Share by expert and layer, percent, " + task);
            List<Row> statistics = warehouse
                    .rows(UncurlTable.EXPERT_STATISTICS, "model_id", "base", "task", task)
                    .orderBy("expert")
                    .collectAsList();
            assertThat(statistics).hasSize(4);
            for (Row row : statistics) {
                String title =
                        shares.get(1 + row.<Integer>getAs("expert")).get(1).title();
                assertThat(title).contains(": " + row.<Double>getAs("fraction") + " of the choices");
            }
            Row balance = warehouse
                    .sql(
                            "SELECT max_over_mean, relative_entropy FROM load_imbalance WHERE model_id = 'base' AND task = '"
                                    + task + "'")
                    .first();
            List<HtmlTables.Cell> shown =
                    tables.rows("Imbalance by layer, " + task).get(1);
            assertThat(Double.parseDouble(shown.get(1).title())).isCloseTo(balance.getDouble(0), within(1e-12));
            assertThat(Double.parseDouble(shown.get(2).text())).isCloseTo(balance.getDouble(1), within(0.000501));
            checkDistances(tables, warehouse, task);
        }
    }

    /** Against the differences of the very rows of routing.logits. */
    private static void checkDistances(HtmlTables tables, Warehouse warehouse, String task) {
        List<List<HtmlTables.Cell>> matrix = tables.rows("Distances, layer 1, " + task);
        var expressions = new ArrayList<String>();
        for (int i = 1; i <= 4; i++) {
            for (int j = 1; j <= 4; j++) {
                expressions.add("sqrt(avg(pow(logits[" + matrix.get(i).get(0).text() + "] - logits["
                        + matrix.get(0).get(j).text() + "], 2)))");
            }
        }
        Row expected = warehouse
                .rows(UncurlTable.LOGITS, "model_id", "base", "task", task)
                .selectExpr(expressions.toArray(String[]::new))
                .first();
        for (int i = 0; i < 4; i++) {
            for (int j = 0; j < 4; j++) {
                String text = matrix.get(1 + i).get(1 + j).text();
                if (i != j) {
                    assertThat(Double.parseDouble(text)).isCloseTo(expected.getDouble(4 * i + j), within(0.00502));
                }
            }
        }
    }

    @Test
    void theSameTablesGiveTheSameBytesInPlaceOfAnOldReport() throws IOException {
        Path file = folder.resolve("again.html");
        Files.writeString(file, "an old one");
        String line = "report routing --model base --task " + TASK + " --out " + file;
        cli.succeed(line);
        byte[] first = Files.readAllBytes(file);
        cli.succeed(line);
        assertThat(Files.readAllBytes(file)).isEqualTo(first);
        try (var files = Files.list(folder)) {
            assertThat(files.map(path -> path.getFileName().toString())).noneMatch(name -> name.startsWith(".report"));
        }
    }

    @Test
    void aReportThatCannotBeIsRefusedBeforeAnythingIsWritten() {
        Path file = folder.resolve("never.html");
        refuse(3, "superglue/rte", "dump-logits", "report routing --model base --task superglue/rte --out " + file);
        refuse(2, TASK, "different tasks", "report routing --model base --task " + TASK + " --task " + TASK);
        refuse(
                2,
                "does not exist",
                "--out",
                "report routing --model base --task " + TASK + " --out " + folder.resolve("no/such.html"));
        refuse(
                2,
                "between 'report' and 'routing'",
                "after 'routing'",
                "report --task " + TASK + " routing --model base --task " + TASK);
        refuse(2, "no task", "--task", "report");
        assertThat(file).doesNotExist();
    }

    private void refuse(int code, String what, String remedy, String line) {
        Cli.Outcome outcome = cli.run(line.split(" "));
        assertThat(outcome.code()).as(outcome.err()).isEqualTo(code);
        assertThat(outcome.err()).contains(what).contains(remedy);
    }

    @Test
    void everyCellOfTheNotebooksRunsAndItsStoredOutputHasItsColumns() throws IOException {
        var names = new LinkedHashMap<String, String>(); // in this order: TASK stands in the notebooks too
        names.put("superglue/copa", OTHER_TASK);
        names.put("superglue/boolq", TASK);
        names.put("'demo-base'", "'base'");
        names.put("4 AS experts_after", "2 AS experts_after");
        List<Path> files = NotebookOutputs.files();
        assertThat(files).hasSizeGreaterThanOrEqualTo(2);
        for (Path file : files) {
            var notebook = new Notebook(file);
            Map<String, List<Row>> results = notebook.run(cli.open().spark(), names);
            assertThat(results).hasSizeGreaterThanOrEqualTo(5);
            results.forEach((sql, rows) -> {
                assertThat(rows).as(sql).isNotEmpty();
                String header =
                        notebook.stored().get(sql).lines().skip(1).findFirst().orElse("");
                assertThat(header.replaceAll("[| ]+", " ").strip().split(" "))
                        .as("stored output of %s in %s", sql, file)
                        .containsExactly(rows.get(0).schema().fieldNames());
            });
            assertThat(Files.size(file)).isLessThan(40_000);
        }
    }

    @Test
    void theSessionOfTheNotebooksSeesTheTablesOfAWarehouse() throws IOException {
        String version = Files.readString(Path.of("..", "pom.xml")).split("<iceberg.version>|</iceberg.version>")[1];
        for (Path file : NotebookOutputs.files()) {
            Map<String, String> settings = new Notebook(file).settings();
            assertThat(settings)
                    .containsEntry("spark.sql.defaultCatalog", "uncurl")
                    .containsEntry("spark.sql.catalog.uncurl.warehouse", "../warehouse/tables")
                    .containsEntry(
                            "spark.jars.packages", "org.apache.iceberg:iceberg-spark-runtime-3.5_2.12:" + version);
            var session = cli.open().spark().newSession();
            settings.forEach((key, value) -> {
                if (key.startsWith("spark.sql.")) {
                    session.conf().set(key, value.replace("..", folder.toString()));
                }
            });
            Notebook.makeViews(session);
            assertThat(session.sql("SELECT DISTINCT task FROM load_imbalance ORDER BY task")
                            .collectAsList())
                    .extracting(row -> row.getString(0))
                    .containsExactly(OTHER_TASK, TASK);
        }
    }
}

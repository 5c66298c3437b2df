package dev.uncurl.jobs.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.Uncurl;
import dev.uncurl.jobs.routing.RoutingFixture;
import dev.uncurl.jobs.tokenize.TokenizeFixture;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Element;

/** The report and the page of a study over tables of comparisons, metrics and routing. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class StudyReportTest {
    private static final String STUDY = "report study --model demo-base --task flan --out ";

    private Path folder;
    private Cli cli;

    @BeforeAll
    void fill(@TempDir Path temporary) {
        folder = temporary;
        Warehouse warehouse = TokenizeFixture.warehouse(folder.resolve("warehouse"));
        cli = new Cli(folder.resolve("warehouse"));
        RoutingFixture.model(warehouse, "demo-base", RoutingFixture.config(8, 2), 5);
        RoutingFixture.model(warehouse, "other", RoutingFixture.config(8, 2), 6);
        RoutingFixture.task(warehouse, "flan", 40, 22);
        RoutingFixture.dump(warehouse, "demo-base", "flan", 0);
        register(warehouse, "demo-base-flan", "demo-base", "finetune", Map.of());
        register(
                warehouse,
                "demo-uncurl-2e",
                "demo-base",
                "prune",
                Map.of("method", "uncurl", "router", "map", "experts", "2"));
        register(warehouse, "demo-uncurl-2e-flan", "demo-uncurl-2e", "finetune", Map.of());
        String data = "flan@0123456789ab";
        List<Map<String, Object>> rows = new ArrayList<>();
        for (Compared row : Studies.before("demo-base", "flan").rows()) {
            rows.add(columns(row));
            rows.add(columns(Studies.at(row, "an older one", Instant.parse("2020-01-01T00:00:00Z"))));
        }
        Studies.after("demo-base-flan", "flan")
                .rows()
                .forEach(row ->
                        rows.add(columns(row.subject().equals("demo-uncurl-2e-flan") ? Studies.unnamed(row) : row)));
        assertThat(rows).allMatch(row -> row.get("data").equals(data));
        RoutingFixture.append(warehouse, UncurlTable.COMPARISONS, rows);
        metrics(warehouse);
    }

    private static void register(
            Warehouse warehouse, String id, String parent, String stage, Map<String, String> inputs) {
        RoutingFixture.append(
                warehouse,
                UncurlTable.REGISTRY,
                List.of(Map.of(
                        "model_id",
                        id,
                        "path",
                        "models/" + id,
                        "parent_model_id",
                        parent,
                        "stage",
                        stage,
                        "manifest_sha256",
                        "of " + id,
                        "config",
                        "{\"moe\": {\"experts\": 8}}",
                        "inputs",
                        scala.collection.JavaConverters.mapAsScalaMap(inputs))));
    }

    private static void metrics(Warehouse warehouse) {
        var rows = new ArrayList<Map<String, Object>>();
        Studies.curve("demo-base", 20, OptionalDouble.empty()).rows().forEach(steps -> {
            var row = new HashMap<String, Object>(Map.of(
                    "run_id",
                    "demo-base",
                    "step",
                    steps.step(),
                    "tokens",
                    steps.tokens(),
                    "loss",
                    steps.loss(),
                    "balance_loss",
                    1.0,
                    "grad_norm",
                    1.0,
                    "lr",
                    1e-3,
                    "tokens_per_second",
                    1e4));
            steps.validationLoss().ifPresent(loss -> row.put("validation_loss", loss));
            rows.add(row);
        });
        RoutingFixture.append(warehouse, UncurlTable.METRICS, rows);
        String sha256 = warehouse
                .rows(UncurlTable.REGISTRY, "model_id", "demo-base")
                .first()
                .getAs("manifest_sha256");
        RoutingFixture.append(
                warehouse,
                UncurlTable.RESULTS,
                List.of(
                        unigram(sha256, 6.25, 900),
                        unigram(sha256, 6.75, 1000),
                        unigram("of another model", 7.75, 2000)));
    }

    private static Map<String, Object> unigram(String sha256, double loss, long n) {
        return Map.of(
                "model_id",
                "demo-base",
                "task",
                "n" + n,
                "split",
                "validation",
                "metric",
                "unigram_loss_per_token",
                "value",
                loss,
                "n",
                n,
                "standard_error",
                0.01,
                "manifest_sha256",
                sha256);
    }

    /** The columns of a row by name, and those that reports do not read. */
    private static Map<String, Object> columns(Compared row) {
        var columns = new HashMap<String, Object>(
                Map.of("clusters", row.n(), "against_value", row.value() - row.difference()));
        Arrays.stream(Compared.class.getRecordComponents()).forEach(component -> {
            try {
                Object value = component.getAccessor().invoke(row);
                value = value instanceof Optional<?> optional ? optional.orElse(null) : value;
                if (value != null) {
                    columns.put(
                            component.getName().replaceAll("[A-Z]", "_$0").toLowerCase(Locale.ROOT),
                            value instanceof Instant time
                                    ? Timestamp.from(time)
                                    : value instanceof List<?> list ? list.toArray() : value);
                }
            } catch (ReflectiveOperationException e) {
                throw new AssertionError(e);
            }
        });
        return columns;
    }

    private HtmlTables study(String name) throws IOException {
        Path file = folder.resolve(name);
        assertThat(cli.succeed(STUDY + file)).contains("Wrote " + file);
        return HtmlTables.of(Files.readAllBytes(file));
    }

    @Test
    void thePageShowsWhatTheTablesHave() throws IOException {
        HtmlTables page = study("study.html");
        assertThat(page.rows("loss_per_token against demo-base, flan")).hasSize(1 + 16);
        assertThat(page.rows("Models").stream().map(row -> row.get(0).text()))
                .containsExactly("model", "demo-base", "demo-base-flan", "demo-uncurl-2e-flan");
        assertThat(page.text())
                .contains("Data: flan@0123456789ab, split validation.")
                .contains("the table has 1 older")
                .contains("(dashed) 6.75")
                .doesNotContain("tokenised again");
        assertThat(page.rows("Distances, layer 1, flan")).hasSize(1 + 8);
        // the row in the table does not say how the model was pruned: its lineage does
        assertThat(page.rows("loss_per_token against demo-base-flan, flan after finetuning")
                        .get(2)
                        .get(0))
                .extracting(HtmlTables.Cell::text, HtmlTables.Cell::title)
                .containsExactly("uncurl (map)", "demo-uncurl-2e-flan");
    }

    @Test
    void everyLineToGoOnWithIsACommandAndEveryStatementRuns() throws IOException {
        List<Element> lines = study("lines.html").all("pre");
        assertThat(lines).hasSizeGreaterThanOrEqualTo(7);
        for (Element line : lines) {
            List<String> words = words(line.getTextContent());
            assertThat(words.get(0)).isEqualTo("jobs/submit");
            String[] arguments = words.subList(1, words.size()).toArray(String[]::new);
            assertThat(Uncurl.commandLine().parseArgs(arguments).hasSubcommand())
                    .isTrue();
            var own = new ArrayList<>(words.subList(1, words.size()));
            int warehouse = own.indexOf("--warehouse");
            own.remove(warehouse); // the test's command line adds it
            assertThat(own.remove(warehouse)).isEqualTo(cli.folder().toString());
            if (own.get(0).equals("prune")) {
                continue; // pruning has its own tests: here it need only be a command
            }
            if (own.get(1).equals("routing")) {
                own.addAll(List.of("--out", folder.resolve("routing.html").toString()));
            }
            Cli.Outcome outcome = cli.run(own.toArray(String[]::new));
            assertThat(outcome.code()).as(outcome.err()).isZero();
        }
    }

    /** The words of a line as bash splits it. */
    private static List<String> words(String line) throws IOException {
        Process bash = new ProcessBuilder("bash", "-c", "printf '%s\\n' " + line).start();
        return List.of(new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8).split("\n"));
    }

    @Test
    void theSameTablesGiveTheSameBytes() throws IOException {
        study("again.html");
        byte[] first = Files.readAllBytes(folder.resolve("again.html"));
        study("again.html");
        assertThat(Files.readAllBytes(folder.resolve("again.html"))).isEqualTo(first);
    }

    @Test
    void theReportPrintsTheNewestComparisonsWithTheirSentences() {
        String out = cli.succeed("report --task flan");
        assertThat(out)
                .contains("Against demo-base. Data: flan@0123456789ab (the newest of 2 comparisons)")
                .contains("Against demo-base-flan. Data: flan@0123456789ab\n")
                .contains("K = 4: Within noise of the baseline")
                .contains("Not separated from each other")
                .doesNotContain("ms_per_batch");
    }

    @Test
    void aStudyThatCannotBeIsRefusedBeforeAnythingIsWritten() {
        Path file = folder.resolve("never.html");
        refuse(3, "no model nobody", "demo-base", "report study --model nobody --task flan --out " + file);
        refuse(
                3,
                "Nothing was compared with model other",
                "--against other",
                "report study --model other --task flan --out " + file);
        refuse(2, "flan, flan", "each task once", STUDY + file + " --task flan");
        refuse(
                2,
                "between 'report' and 'study'",
                "after 'study'",
                "report --task flan study --model demo-base --task flan");
        refuse(2, "does not exist", "--out", STUDY + folder.resolve("no/such.html"));
        refuse(3, "no comparisons", "evaluate --against", "report --task flan --split train");
        assertThat(file).doesNotExist();
    }

    private void refuse(int code, String what, String remedy, String line) {
        Cli.Outcome outcome = cli.run(line.split(" "));
        assertThat(outcome.code()).as(outcome.err()).isEqualTo(code);
        assertThat(outcome.err()).contains(what).contains(remedy);
    }
}

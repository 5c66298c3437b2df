package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.config.Settings;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.UncurlTable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * All commands of conf/demo.conf, at a reduced size, by jobs/submit with the warehouse on HDFS and on S3: the models and scores of
 * one on the local disk, and the page. Takes minutes, so that it is run by name: {@code mvn verify -Dtest=TextTableTest
 * -Dit.test=DemoPlacesTrial}, both with failIfNoSpecifiedTests=false; {@code -Ddemo.places=hdfs} for one of them.
 */
class DemoPlacesTrial {
    /** A plan's id depends on its parent's manifest, and so on the command that made it, which names the warehouse. */
    private static final String PLAIN = "regexp_replace(%s, '[+][0-9a-f]{12}', '+plan')";

    private static final Map<UncurlTable, String> TABLES = Map.of(
            UncurlTable.SEQUENCES, "corpus; split; sequence_id; hash(tokens)",
            UncurlTable.METRICS, "run_id; step; loss; validation_loss; grad_norm",
            UncurlTable.GRAM, "model_id; task; split; layer; tokens; hash(gram)",
            UncurlTable.RESULTS, PLAIN.formatted("model_id") + "; task; metric; value",
            UncurlTable.COMPARISONS, PLAIN.formatted("subject") + "; against; metric; difference; low; high; letters");

    @Test
    void theDemoEndsAlikeEverywhere(@TempDir Path folder) throws Exception {
        Path steps = steps(folder.resolve("steps.conf"));
        Map<String, Object> expected = state("local", folder, steps);
        for (String place : System.getProperty("demo.places", "hdfs,s3").split(",")) {
            Map<String, Object> found = state(place, folder, steps);
            expected.forEach((what, state) ->
                    assertThat(found.get(what)).as(place + ": " + what).isEqualTo(state));
        }
    }

    /** The steps of the demo, which train on fewer tokens and dump fewer. */
    private static Path steps(Path file) throws IOException {
        List<String> steps =
                Settings.load("demo", List.of()).bind(DemoConfig.class).steps();
        String fewer = steps.stream()
                .map(step -> step.replaceAll("--tokens \\d+", "--tokens 6000"))
                .map(step -> step.startsWith("pretrain ")
                        ? step + " --set train.tokens=60000"
                        : step.startsWith("finetune ") ? step + " --set train.tokens=15000" : step)
                .map(step -> "\"" + step + "\"")
                .collect(Collectors.joining(", "));
        return Files.writeString(file, "steps = [" + fewer + "], queries = []");
    }

    /** Runs the demo at a place, and returns what is in the warehouse then. */
    private static Map<String, Object> state(String name, Path folder, Path steps) throws Exception {
        Path own = Files.createDirectory(folder.resolve(name));
        var submit = new Submit(Files.createDirectory(own.resolve("checkout")));
        try (var place = StoragePlace.named(name, Files.createDirectory(own.resolve("servers")))) {
            long start = System.nanoTime();
            Submit.Outcome outcome = submit.run(
                    "jobs/submit --master local[2] --driver-memory 2g"
                            + place.options(own.resolve("spark.conf"), "warehouse", "local.conf")
                            + " -- demo --config " + steps + " --warehouse " + place.warehouse("warehouse"),
                    Map.of());
            assertThat(outcome.code()).as(outcome.out() + outcome.err()).isZero();
            System.out.printf("demo on %s: %.0f s%n%s%n", name, (System.nanoTime() - start) / 1e9, outcome.out());
            assertThat(outcome.out()).contains("Done in ", "demo.html");
            boolean local = name.equals("local");
            Path page = local ? Path.of(place.warehouse("warehouse"), "demo.html") : own.resolve("checkout/demo.html");
            assertThat(page).isNotEmptyFile();
            SparkSession session = new Cli(own.resolve("other")).session();
            SparkSession of = SparkProperties.session(session, place.properties("warehouse"));
            Map<String, Object> state = state(new Cli(place.warehouse("warehouse")), of);
            SparkProperties.use(session);
            return state;
        }
    }

    private static Map<String, Object> state(Cli cli, SparkSession session) {
        SparkProperties.use(session);
        var state = new TreeMap<String, Object>();
        List<String> models = StoredRows.of(cli, UncurlTable.REGISTRY, "model_id");
        assertThat(models).hasSizeGreaterThanOrEqualTo(9);
        models.forEach(model -> state.put(
                "model " + model, new Models(cli.open()).open(model).manifest().files()));
        TABLES.forEach((table, columns) -> {
            List<String> rows = StoredRows.of(cli, table, columns);
            assertThat(rows).as(table.id()).isNotEmpty();
            state.put(table.id(), rows);
        });
        var stored = new StoredPipeline(cli);
        for (String leftovers : List.of("checkpoints", "staging", "locks")) {
            try {
                state.put(leftovers, stored.names(leftovers));
            } catch (IOException e) {
                throw new UncheckedIOException("listing " + leftovers, e);
            }
        }
        return state;
    }
}

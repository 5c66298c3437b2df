package dev.uncurl.jobs.sweep;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.StallingUncurl;
import dev.uncurl.jobs.routing.RoutingFixture;
import dev.uncurl.jobs.tokenize.TokenizeFixture;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/** A tiny sweep on two warehouses that begin alike: one undisturbed, one killed in between. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class SweepTest {
    private static final String TASK = "superglue/copa";
    private static final String OTHER = "superglue/cb";

    private static final List<String> SMALL = List.of(
            "models=[{name=base}]",
            "tasks=[" + TASK + "]",
            "evaluate.split=train",
            "evaluate.limit=0",
            "routing.tokens=0",
            "controls.other-task=" + OTHER,
            "controls.random-seeds=1",
            "experts=[3,2]");
    private static final String METHODS = "methods=[{name=uncurl},{name=spectral}]";

    private static final String TINY =
            "sweep --as-of 2026-11-25 --config sweep/demo --set " + String.join(" --set ", SMALL);
    private static final String SWEEP = TINY + " --set " + METHODS;

    /** Parent; 2 methods x 2 K x 2 seeds; random at 2 K; the same plans made on the other task. */
    private static final int CELLS = 1 + 8 + 2 + 8;

    private Path folder;
    private Cli undisturbed;

    private Cli warehouse(String name) {
        var cli = new Cli(folder.resolve(name));
        Warehouse warehouse = TokenizeFixture.warehouse(cli.folder());
        RoutingFixture.task(warehouse, TASK, 12, 3);
        RoutingFixture.task(warehouse, OTHER, 12, 4);
        RoutingFixture.model(warehouse, "base", RoutingFixture.config(5, 2), 1);
        return cli;
    }

    @BeforeAll
    void runUndisturbed(@TempDir Path temporary) {
        folder = temporary;
        undisturbed = warehouse("undisturbed");
        String dry = undisturbed.succeed(SWEEP + " --dry-run");
        assertThat(dry)
                .contains(CELLS + " cells: the results of 0 are there, " + CELLS + " to run")
                .contains("time unknown. To make: 2 dumps and 0 models");
        assertThat(rows(undisturbed, UncurlTable.CELLS))
                .as("a dry run writes nothing")
                .isEmpty();
        // by hand: two cells of the sweep
        undisturbed.succeed("dump-logits --model base --task " + TASK);
        undisturbed.succeed("prune --from base --plan-only --task " + TASK + " --method uncurl --experts 2");
        undisturbed.succeed("evaluate --model base --split train --plan all --task " + TASK);
        assertThat(undisturbed.succeed(SWEEP))
                .contains(CELLS + " cells: the results of 2 are there, " + (CELLS - 2) + " to run")
                .contains("Sweep demo of 2026-11-25: " + CELLS + " of " + CELLS + " cells done, 0 failed, 0 left");
    }

    private static List<Row> rows(Cli cli, UncurlTable table) {
        var rows = cli.open().table(table);
        return rows.orderBy("position").collectAsList();
    }

    /** What a sweep leaves but for times and attempts. */
    private static List<Row> end(Cli cli) {
        Warehouse warehouse = cli.open();
        return warehouse
                .rows(UncurlTable.CELLS, "sweep", "demo")
                .drop("attempts", "seconds", "command", "updated_at")
                .orderBy("position")
                .collectAsList();
    }

    private static List<Row> results(Cli cli) {
        return cli.open()
                .sql("SELECT position, metric, value, standard_error, n, parent_value, difference FROM sweep_results"
                        + " WHERE sweep = 'demo' ORDER BY position, metric")
                .collectAsList();
    }

    /** How many files of results were ever written: one for each cell, if none was scored twice. */
    private static long written(Cli cli) {
        return cli.open()
                .sql("SELECT sum(CAST(summary['added-data-files'] AS BIGINT)) FROM"
                        + " uncurl.evaluation.results.snapshots")
                .first()
                .getLong(0);
    }

    @Test
    @Order(1)
    void killedAndRunAgainItEndsAsTheUndisturbedOneAndNoCellIsScoredTwice() throws IOException, InterruptedException {
        Cli killed = warehouse("killed");
        Row sixth = rows(undisturbed, UncurlTable.CELLS).get(5);
        String id = sixth.getAs("results_id");
        String alone = SWEEP + " --set parallel=1 --set commit-cells=5";
        StallingUncurl.kill(killed, "results/data/" + id.replace("+", "%2B"), alone);
        assertThat(written(killed)).isEqualTo(5);
        String status = killed.succeed("sweep --config sweep/demo --status");
        assertThat(status).containsPattern("Sweep demo of 2026-11-25: [0-5] of " + CELLS + " cells done, 0 failed");
        assertThat(killed.succeed(SWEEP)).contains("the results of 5 are there, " + (CELLS - 5) + " to run");
        assertThat(written(killed)).isEqualTo(CELLS).isEqualTo(written(undisturbed));
        assertThat(end(killed)).hasSize(CELLS).isEqualTo(end(undisturbed));
        assertThat(results(killed)).hasSizeGreaterThanOrEqualTo(CELLS).isEqualTo(results(undisturbed));
    }

    @Test
    @Order(2)
    void nothingRunsTwiceNotUnderAnotherNameNorOnAnotherDate() {
        long before = written(undisturbed);
        List<Row> yesterday = end(undisturbed);
        for (String again : List.of("", " --set sweep=another", " --as-of 2026-11-26")) {
            String line = again.contains("as-of") ? SWEEP.replace(" --as-of 2026-11-25", "") + again : SWEEP + again;
            assertThat(undisturbed.succeed(line))
                    .contains("the results of " + CELLS + " are there, 0 to run")
                    .contains("0 cells run in");
        }
        assertThat(written(undisturbed)).isEqualTo(before);
        assertThat(undisturbed
                        .open()
                        .rows(UncurlTable.CELLS, "sweep", "demo", "as_of", "2026-11-25")
                        .drop("attempts", "seconds", "command", "updated_at")
                        .orderBy("position")
                        .collectAsList())
                .isEqualTo(yesterday);
    }

    @Test
    @Order(3)
    void anotherSearchSpaceOfTheSameNameAndDateIsRefused() {
        Cli.Outcome outcome = undisturbed.run((SWEEP + " --set seeds=[1]").split(" "));
        assertThat(outcome.code()).as(outcome.err()).isEqualTo(5);
        assertThat(outcome.err()).contains("seeds: [1,2] there, [1] asked for");
        Cli.Outcome status = undisturbed.run("sweep --config sweep/demo --status --as-of 1999-01-01".split(" "));
        assertThat(status.code()).as(status.err()).isEqualTo(3);
        assertThat(status.err()).contains("was not run for 1999-01-01");
    }

    @Test
    @Order(4)
    void twoSweepsAtOnceShareTheCellsAndNoneIsScoredTwice() {
        Cli shared = warehouse("shared");
        List<SweepRun.Outcome> outcomes = Stream.of("one", "two")
                .map(name -> CompletableFuture.supplyAsync(() -> {
                    var settings = new ArrayList<>(SMALL);
                    settings.addAll(List.of(METHODS, "sweep=" + name, "commit-cells=3"));
                    SweepConfig config = Sweeps.config(settings.toArray(String[]::new));
                    var sweep = new Sweep(
                            config, shared.open(), shared.place(), LocalDate.parse("2026-11-25"), "sweep " + name);
                    return sweep.run(Clock.systemUTC());
                }))
                .toList()
                .stream()
                .map(CompletableFuture::join)
                .toList();
        assertThat(outcomes).allMatch(outcome -> outcome.count(CellState.DONE) == CELLS);
        assertThat(outcomes.stream().mapToInt(SweepRun.Outcome::ran).sum()).isEqualTo(CELLS);
        assertThat(written(shared)).isEqualTo(CELLS);
        String values =
                "SELECT metric, value, standard_error, n FROM uncurl.evaluation.results ORDER BY model_id, metric";
        assertThat(shared.open().spark().sql(values).collectAsList())
                .isEqualTo(undisturbed.open().spark().sql(values).collectAsList());
    }

    @Test
    @Order(5)
    void aCellThatFailsIsRecordedAndTheRestIsMadeIntoModels() throws IOException {
        Path file = folder.resolve("notify.json");
        String line = TINY + " --set sweep=failing --set makes=models --set experts=[2] --set seeds=[1]"
                + " --set methods=[{name=frequency},{name=uncurl,max-cluster=2}]";
        Cli.Outcome outcome = undisturbed.run((line + " --notify-file " + file).split(" "));
        assertThat(outcome.code()).as(outcome.err()).isEqualTo(7);
        assertThat(outcome.err()).contains("2 of 6 cells failed");
        assertThat(outcome.out()).contains("The 5 experts of layer 1 do not fit into 2 clusters of at most 2");
        JsonNode json = new ObjectMapper().readTree(file.toFile());
        assertThat(json.get("exit_code").asInt()).isEqualTo(7);
        assertThat(json.get("done").asInt()).isEqualTo(4);
        assertThat(json.get("failures")).hasSize(2);
        List<String> models = undisturbed
                .open()
                .rows(UncurlTable.CELLS, "sweep", "failing")
                .where("pruned_model_id IS NOT NULL")
                .select("pruned_model_id")
                .as(org.apache.spark.sql.Encoders.STRING())
                .collectAsList();
        assertThat(models).hasSize(3).allMatch(id -> id.matches("base-(frequency|random)-2e-[0-9a-f]{12}-mask"));
        models.forEach(model -> undisturbed.succeed("verify --model " + model));
        assertThat(undisturbed.succeed("sweep --config sweep/demo --set sweep=failing --status"))
                .contains("4 of 6 cells done, 2 failed", "failed, attempt 1: uncurl 2 of 5");
        assertThat(undisturbed.succeed(line + " --dry-run"))
                .contains("6 cells: the results of 4 are there, 2 to run", "To run: 2 cells, about ")
                .contains("To make: 0 dumps and 2 models");
    }
}

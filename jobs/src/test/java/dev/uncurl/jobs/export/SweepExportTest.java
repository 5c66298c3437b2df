package dev.uncurl.jobs.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.SweptCells;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.CellRow;
import dev.uncurl.jobs.warehouse.row.ResultRow;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Exports to a stub that knows the documented endpoints and fields, and no others. */
@Tag("slow")
class SweepExportTest {
    private static final List<CellRow> DONE = SweptCells.of("s", "2026-11-25", 1, "a", "b", "c-tuned");
    private static final List<ResultRow> RESULTS = List.of(
            result("base+a", "acc", 0.75),
            result("base+b", "acc", Double.NaN),
            result("c-tuned", "acc", 0.5),
            result("c-tuned", "loss_per_token", 3.25),
            result("somebody-elses", "acc", 1));

    private MlflowStub stub;

    @BeforeEach
    void start() throws IOException {
        stub = new MlflowStub();
    }

    @AfterEach
    void stop() {
        stub.close();
    }

    private static ResultRow result(String model, String metric, double value) {
        return new ResultRow(
                model,
                "task",
                "train",
                metric,
                value,
                40,
                0.125,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                "sha",
                "data",
                Optional.of(0L),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }

    private int export(List<CellRow> cells) {
        CellRow first = cells.get(0);
        var client = new MlflowClient(stub.address(), Optional.of("Bearer secret"));
        return new SweepExport(client, "uncurl/s", first.sweep(), first.asOf()).run(cells, RESULTS);
    }

    /** The runs by their cell. */
    private Map<String, MlflowStub.Run> runs() {
        var runs = new TreeMap<String, MlflowStub.Run>();
        stub.runs.values().forEach(run -> assertThat(runs.put(run.tags.get("uncurl.cell"), run))
                .as("one run a cell")
                .isNull());
        return runs;
    }

    @Test
    void aSweepIsARunAndEachCellAChildOfItWithItsCoordinatesAndResults() {
        assertThat(export(DONE)).isEqualTo(3);
        Map<String, MlflowStub.Run> runs = runs();
        assertThat(runs.keySet()).containsExactlyInAnyOrder("sweep", "cell a", "cell b", "cell c-tuned");
        MlflowStub.Run sweep = runs.get("sweep");
        assertThat(sweep.name).isEqualTo("s 2026-11-25");
        assertThat(sweep.status).isEqualTo("FINISHED");
        assertThat(sweep.metrics).containsEntry("cells_done", 3.0).containsEntry("cells_failed", 0.0);
        assertThat(sweep.tags).doesNotContainKey("mlflow.parentRunId");
        MlflowStub.Run tuned = runs.get("cell c-tuned");
        assertThat(tuned.tags)
                .containsEntry("mlflow.parentRunId", "run-0")
                .containsEntry("uncurl.sweep", "s")
                .containsEntry("uncurl.as-of", "2026-11-25")
                .containsEntry("uncurl.pruned-model", "c");
        assertThat(tuned.params)
                .containsEntry("method", "uncurl")
                .containsEntry("experts_after", "2")
                .containsEntry("recipe", "recipe")
                .containsEntry("method.restarts", "10");
        assertThat(tuned.metrics)
                .containsEntry("acc", 0.5)
                .containsEntry("acc_standard_error", 0.125)
                .containsEntry("acc_n", 40.0)
                .containsEntry("loss_per_token", 3.25)
                .containsEntry("seconds", 1.5);
        assertThat(runs.get("cell b").metrics).as("NaN is no number of JSON").doesNotContainKey("acc");
        assertThat(stub.authorizations).containsExactly("Bearer secret");
    }

    @Test
    void theSameAgainMakesNoRunTwiceAndAnotherDateItsOwn() {
        export(DONE);
        assertThat(export(DONE)).isZero();
        assertThat(stub.runs).hasSize(4);
        assertThat(export(SweptCells.of("s", "2026-11-26", 1, "a"))).isEqualTo(1);
        assertThat(export(SweptCells.of("other", "2026-11-26", 1, "a"))).isEqualTo(1);
        assertThat(stub.runs).hasSize(8);
        assertThat(stub.experiments).hasSize(1);
    }

    @Test
    void stoppedAfterAnyRequestTheNextExportEndsAsAnUndisturbedOne() throws IOException {
        export(DONE);
        int all = stub.requests.size();
        var expected = new TreeMap<String, String>();
        runs().forEach((cell, run) -> expected.put(cell, run.status + run.params + run.metrics));
        for (int after = 1; after < all; after++) {
            stub.close();
            stub = new MlflowStub();
            stub.failAfter = after;
            assertThatThrownBy(() -> export(DONE))
                    .isInstanceOfSatisfying(
                            UserError.class, error -> assertThat(error.kind()).isEqualTo(UserError.Kind.INPUT))
                    .hasMessageContaining("503")
                    .hasMessageContaining("the database is away");
            stub.failAfter = Integer.MAX_VALUE;
            export(DONE);
            var ended = new TreeMap<String, String>();
            runs().forEach((cell, run) -> ended.put(cell, run.status + run.params + run.metrics));
            assertThat(ended).as("stopped after request " + after).isEqualTo(expected);
        }
    }

    @Test
    void aCellThatFailedIsWrittenAgainWhenItIsDoneAndOneThatHasNotEndedIsLeftOut() {
        var first = new ArrayList<>(DONE);
        first.set(0, SweptCells.in(DONE.get(0), "failed"));
        first.set(1, SweptCells.in(DONE.get(1), "waiting"));
        assertThat(export(first)).isEqualTo(2);
        assertThat(runs().keySet()).containsExactlyInAnyOrder("sweep", "cell a", "cell c-tuned");
        assertThat(runs().get("cell a").status).isEqualTo("FAILED");
        assertThat(runs().get("cell a").tags).containsEntry("uncurl.error", "No room\n  Make some.");
        assertThat(runs().get("sweep").status).isEqualTo("RUNNING");
        assertThat(export(DONE)).isEqualTo(2);
        assertThat(runs().values()).hasSize(4).allMatch(run -> run.status.equals("FINISHED"));
        assertThat(runs().get("cell a").metrics).containsEntry("acc", 0.75);
    }

    @Test
    void theUserIsWhomMlflowsOwnVariablesName() {
        assertThat(ExportCommand.authorization(Map.of())).isEmpty();
        assertThat(ExportCommand.authorization(Map.of("MLFLOW_TRACKING_TOKEN", "t")))
                .contains("Bearer t");
        assertThat(ExportCommand.authorization(
                        Map.of("MLFLOW_TRACKING_USERNAME", "me", "MLFLOW_TRACKING_PASSWORD", "pass")))
                .contains("Basic bWU6cGFzcw==");
    }

    @Test
    void aServerThatIsNotThereIsNamed() {
        URI address = stub.address();
        stub.close();
        assertThatThrownBy(() -> new MlflowClient(address, Optional.empty()).experiment("e"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining(address.toString())
                .hasMessageContaining("--mlflow");
    }

    @Test
    void theCommandExportsTheNewestDateOfAWarehouse(@TempDir Path folder) {
        var cli = new Cli(folder);
        Warehouse warehouse = cli.open();
        SweptCells.write(warehouse, SweptCells.of("s", "2026-11-01", 1, "old"));
        SweptCells.write(warehouse, DONE);
        Records.append(warehouse, UncurlTable.RESULTS, RESULTS);
        assertThat(cli.succeed("export --sweep s --mlflow " + stub.address()))
                .contains("Sweep s of 2026-11-25: 3 of 3 cells written to experiment uncurl/s");
        assertThat(runs().get("cell a").metrics).containsEntry("acc", 0.75);
        assertThat(cli.run("export", "--sweep", "none", "--mlflow", "" + stub.address())
                        .code())
                .isEqualTo(3);
        assertThat(cli.run("export", "--sweep", "s", "--mlflow", "localhost:5000")
                        .code())
                .isEqualTo(2);
    }
}

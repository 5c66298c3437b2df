package dev.uncurl.jobs.sweep;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.routing.RoutingFixture;
import dev.uncurl.jobs.tokenize.TokenizeFixture;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.CellRow;
import dev.uncurl.jobs.warehouse.row.ResultRow;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A sweep that makes models of the plans in play, times and finetunes them, with the controls. */
@Tag("slow")
class FinetunedSweepTest {
    private static final String TASK = "superglue/copa";
    private static final String OTHER = "superglue/cb";

    private static List<CellRow> rows(Cli cli) {
        return Records.read(cli.open().table(UncurlTable.CELLS).orderBy("position"), CellRow.class);
    }

    private static Map<String, ResultRow> losses(Cli cli) {
        var rows = cli.open().rows(UncurlTable.RESULTS, "metric", "loss_per_token", "task", TASK);
        return Records.read(rows, ResultRow.class).stream().collect(Collectors.toMap(ResultRow::modelId, row -> row));
    }

    /** Whether no plan with as few experts is better beyond the interval. */
    private static boolean isInPlay(CellRow plan, List<CellRow> plans, Map<String, ResultRow> losses) {
        ResultRow own = losses.get(plan.resultsId().orElseThrow());
        for (CellRow other : plans) {
            ResultRow loss = losses.get(other.resultsId().orElseThrow());
            double error = Math.sqrt(Math.pow(own.standardError(), 2) + Math.pow(loss.standardError(), 2));
            if (other.expertsAfter().orElseThrow() <= plan.expertsAfter().orElseThrow()
                    && own.value() > loss.value() + 1.96 * error) {
                return false;
            }
        }
        return true;
    }

    @Test
    void plansInPlayBecomeModelsThatAreTimedAndFinetunedAsTheControlsAre(@TempDir Path folder) throws IOException {
        var cli = new Cli(folder.resolve("warehouse"));
        Warehouse warehouse = TokenizeFixture.warehouse(cli.folder());
        RoutingFixture.task(warehouse, TASK, 40, 3);
        RoutingFixture.task(warehouse, OTHER, 12, 4);
        RoutingFixture.model(warehouse, "base", RoutingFixture.config(5, 2), 1);
        RoutingFixture.model(warehouse, "scratch-2e", RoutingFixture.config(2, 2), 2);
        Path recipe = folder.resolve("brief.conf");
        Files.writeString(
                recipe,
                """
                train {
                  include classpath("tiny/train.conf")
                  tokens = 400
                  validation.every = 0
                  checkpoint.every = 0
                }
                """);
        String line = "sweep --config sweep/demo --as-of 2026-11-25 --set models=[{name=base}] --set tasks=[" + TASK
                + "] --set evaluate.split=train --set routing.tokens=0 --set controls.other-task=" + OTHER
                + " --set controls.random-seeds=1 --set controls.scratch=[{pattern=\"scratch*\"},{name=nothing}]"
                + " --set experts=[2] --set seeds=[1] --set methods=[{name=uncurl},{name=frequency}]"
                + " --set makes=models --set only=frontier --set keep=frontier --set finetune.recipe=" + recipe
                + " --set latency.batch=[1] --set latency.length=[24]";
        String said = cli.succeed(line);
        // parent, scratch, 2 methods, random, 2 plans of the other task; all of it finetuned, too
        assertThat(said)
                .contains("Left out: control from scratch: no model nothing", "14 cells: the results of 0 are there")
                .contains("0 failed, 0 left, 3 left out");
        List<CellRow> rows = rows(cli);
        Map<String, ResultRow> losses = losses(cli);
        List<CellRow> plans = rows.stream()
                .filter(row -> row.role().equals("method") && row.recipe().isEmpty())
                .toList();
        assertThat(plans).hasSize(2);
        for (CellRow row : rows) {
            boolean inPlay = row.role().equals("parent") || row.role().equals("scratch");
            if (row.role().equals("method")) {
                CellRow plan = plans.stream()
                        .filter(one -> one.method().equals(row.method()))
                        .findFirst()
                        .orElseThrow();
                inPlay = isInPlay(plan, plans, losses);
            }
            boolean tuned = row.recipe().isPresent();
            assertThat(row.state()).isEqualTo(tuned && !inPlay ? "left-out" : "done");
            assertThat(row.prunedModelId().isPresent())
                    .as(SweepText.name(row))
                    .isEqualTo(inPlay && row.method().isPresent());
            assertThat(row.keepsModel()).isEqualTo(Optional.of(inPlay));
            if (tuned && inPlay) {
                String start = row.prunedModelId().orElse(row.modelId());
                assertThat(row.resultsId().orElseThrow()).startsWith(start + "-brief-s1-");
                assertThat(losses).containsKey(row.resultsId().orElseThrow());
                assertThat(row.recipeSeed()).contains(1L);
            }
            row.prunedModelId().ifPresent(model -> assertThat(cli.open()
                            .rows(UncurlTable.LATENCY, "model_id", model, "batch", 1)
                            .count())
                    .isEqualTo(1));
        }
        assertThat(cli.open().rows(UncurlTable.LATENCY, "model_id", "base").isEmpty())
                .isFalse();
        String tuned = rows.stream()
                .filter(row -> row.role().equals("scratch") && row.recipe().isPresent())
                .findFirst()
                .flatMap(CellRow::resultsId)
                .orElseThrow();
        cli.succeed("verify --model " + tuned);
        assertThat(cli.succeed(line))
                .contains("14 cells: the results of 11 are there, 0 to run, 3 left out", "0 cells run in");
    }
}

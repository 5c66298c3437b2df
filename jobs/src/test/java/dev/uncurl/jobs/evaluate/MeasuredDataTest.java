package dev.uncurl.jobs.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.routing.RoutingFixture;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** What a result says that it is of is what was scored, or evaluate refuses. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MeasuredDataTest {
    private static final String CHOICES = "superglue/copa";

    private Cli cli;
    private Warehouse warehouse;

    @BeforeAll
    void makeSequencesAndExamples(@TempDir Path folder) {
        cli = new Cli(folder.resolve("warehouse"));
        warehouse = cli.open();
        RoutingFixture.model(warehouse, "base", RoutingFixture.config(3, 1), 1);
        RoutingFixture.run(warehouse, "flan");
        RoutingFixture.examples(warehouse, "flan/a", 6, 11);
        RoutingFixture.examples(warehouse, "flan/b", 4, 12);
        sequences("short", RoutingFixture.CONTEXT);
        sequences("long", 40);
        RoutingFixture.run(warehouse, CHOICES, Map.of("train", 7L, "validation", 1L));
        RoutingFixture.append(
                warehouse,
                UncurlTable.EXAMPLES,
                List.of(
                        example(0, 3, 2, new int[][] {{5, 6}, {7}}, 0),
                        example(1, 30, 1, new int[][] {{5, 6}, {7}}, 1),
                        example(2, 3, 1, new int[][] {new int[RoutingFixture.CONTEXT + 1], {7}}, 1)));
    }

    private void sequences(String corpus, int length) {
        RoutingFixture.run(warehouse, corpus);
        var random = new Random(length);
        var rows = new ArrayList<Map<String, Object>>();
        for (String split : List.of("train", "validation")) {
            for (long id = 0; id < 5; id++) {
                rows.add(Map.of(
                        "corpus",
                        corpus,
                        "split",
                        split,
                        "sequence_id",
                        id,
                        "tokens",
                        RoutingFixture.tokens(random, length)));
            }
        }
        RoutingFixture.append(warehouse, UncurlTable.SEQUENCES, rows);
    }

    private static Map<String, Object> example(long id, int prompt, int target, int[][] choices, int label) {
        return Map.of(
                "task",
                CHOICES,
                "split",
                "validation",
                "example_id",
                id,
                "prompt_tokens",
                new int[prompt],
                "target_tokens",
                new int[target],
                "choices",
                choices,
                "label",
                label,
                "right_choices",
                new int[] {label},
                "prompt_version",
                "1");
    }

    private void assertRefused(int code, String line, String... parts) {
        Cli.Outcome outcome = cli.run(line.split(" "));
        assertThat(outcome.code()).as(line).isEqualTo(code);
        assertThat(outcome.err()).as(line).contains(parts);
    }

    private Row result(String task, String metric) {
        return warehouse
                .rows(UncurlTable.RESULTS, "model_id", "base", "task", task, "metric", metric)
                .first();
    }

    @Test
    void whatCannotBeScoredAsItIsNamedIsRefused() {
        String line = "evaluate --model base --split train --task ";
        assertRefused(3, line + "short+flan", "short has sequences, flan has examples");
        assertRefused(3, line + "flan/a+flan/b", "cannot be scored together");
        assertRefused(3, "evaluate --model base --task flan", "flan has no rows in split validation");
        assertRefused(2, line + "short+short", "twice");
        assertRefused(2, line + "short+", "empty name");
        assertRefused(2, line + "short --model base", "names a model twice");
        assertRefused(2, line + "short --limit -1", "--limit = -1");
        assertRefused(2, "evaluate --model base --task short --split valid", "--split", "valid");
        assertThat(warehouse.rows(UncurlTable.RESULTS, "task", "short+flan").isEmpty())
                .isTrue();
    }

    @Test
    void aLimitIsThatOfAllTasksOrCorporaTogether() {
        cli.succeed("evaluate --model base --split train --task flan --limit 5");
        cli.succeed("evaluate --model base --task short+long --limit 5");
        for (String task : List.of("flan", "short+long")) {
            assertThat(warehouse.rows(UncurlTable.SCORED, "task", task).count()).isEqualTo(5);
            assertThat(result(task, "loss_per_token").<String>getAs("data")).endsWith(" first 5 in all");
        }
    }

    @Test
    void theUnigramModelIsScoredOnTheTokensThatTheModelPredicts() {
        String out = cli.succeed("evaluate --model base --task long");
        long tokens = 5 * RoutingFixture.CONTEXT; // of one token more, which is predicted and not read
        for (String metric : List.of("loss_per_token", "unigram_loss_per_token")) {
            assertThat(result("long", metric).<Long>getAs("n")).isEqualTo(tokens);
            assertThat(result("long", metric).<Long>getAs("examples_cut")).isEqualTo(5);
        }
        assertThat(out).contains("5 were longer than the context of the model");
    }

    @Test
    void anAnswerThatDoesNotFitIsLeftOutAndCountedAndResultsSayWhatTheyLeaveOut() {
        String out = cli.succeed("evaluate --model base --task " + CHOICES);
        Row accuracy = result(CHOICES, "acc");
        assertThat(accuracy.<Long>getAs("n")).isEqualTo(2);
        assertThat(accuracy.<Long>getAs("examples_cut")).isEqualTo(1);
        assertThat(accuracy.<Long>getAs("examples_refused")).isEqualTo(1);
        assertThat(accuracy.<Long>getAs("rows_rejected")).isEqualTo(1);
        assertThat(out)
                .contains("1 were longer than the context")
                .contains("1 were not scored")
                .contains("rows: tokenize rejected 1");
    }

    @Test
    void anExampleWhoseLabelOrChoicesCannotBeIsRefused() {
        RoutingFixture.run(warehouse, "superglue/rte");
        var good = example(0, 3, 1, new int[][] {{5}, {7}}, 0);
        for (Map<String, Object> bad : List.of(
                Map.<String, Object>of("label", 2, "right_choices", new int[] {2}),
                Map.<String, Object>of("label", 1),
                Map.<String, Object>of("choices", new int[][] {{5}, {}}),
                Map.<String, Object>of("prompt_tokens", new int[0]),
                Map.<String, Object>of("target_tokens", new int[0]))) {
            var row = new java.util.HashMap<>(good);
            row.putAll(bad);
            row.put("task", "superglue/rte");
            warehouse.spark().sql("DELETE FROM corpus.examples WHERE task = 'superglue/rte'");
            RoutingFixture.append(warehouse, UncurlTable.EXAMPLES, List.of(row));
            assertRefused(3, "evaluate --model base --task superglue/rte", "Example 0 of superglue/rte (validation");
        }
        assertThat(warehouse.rows(UncurlTable.RESULTS, "task", "superglue/rte").isEmpty())
                .isTrue();
    }

    @Test
    void afterAKillBetweenItsCommitsTheScoredExamplesAreTakenUpAndThoseOfOtherDataAreNot() {
        String line = "evaluate --model base --split train --task flan/b";
        String first = cli.succeed(line);
        long scored = warehouse.iceberg(UncurlTable.SCORED).currentSnapshot().snapshotId();
        warehouse.spark().sql("DELETE FROM evaluation.results WHERE task = 'flan/b'");
        assertThat(cli.succeed(line)).isEqualTo(first);
        assertThat(warehouse.iceberg(UncurlTable.SCORED).currentSnapshot().snapshotId())
                .isEqualTo(scored);
        assertThat(warehouse
                        .rows(UncurlTable.SCORED, "task", "flan/b")
                        .select("manifest_sha256", "data")
                        .distinct()
                        .collectAsList())
                .singleElement()
                .satisfies(row -> assertThat(row.getString(1))
                        .isEqualTo(result("flan/b", "loss_per_token").getAs("data")));
        cli.succeed(line + " --limit 2");
        assertThat(warehouse.rows(UncurlTable.SCORED, "task", "flan/b").count()).isEqualTo(2);
    }
}

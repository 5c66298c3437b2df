package dev.uncurl.jobs.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.routing.RoutingFixture;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.ComparisonRow;
import dev.uncurl.jobs.warehouse.row.ResultRow;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ComparisonTest {
    private static final int EXAMPLES = 300;

    private Cli cli;
    private Warehouse warehouse;
    private ComparedModels models;
    private final List<ResultRow> results = new ArrayList<>();

    @BeforeAll
    void scoreModels(@TempDir Path folder) {
        cli = new Cli(folder.resolve("warehouse"));
        warehouse = cli.open();
        models = new ComparedModels(warehouse, "validation", EXAMPLES);
        models.registered("parent", null, "pretrain", Map.of());
        for (int seed = 1; seed <= 3; seed++) {
            models.random("r" + seed, "parent", seed, "mask");
            models.finetuned("r" + seed + "-tuned", "r" + seed, "one epoch");
        }
        models.random("sliced", "parent", 1, "slice");
        models.registered("same", "parent", "finetune", Map.of("parent", "sha-parent"));
        results.addAll(models.scored("parent", 0.8, 2.0, 1));
        results.addAll(models.scored("same", 0.8, 2.0, 1));
        results.addAll(models.scored("r1", 0.60, 2.31, 2));
        results.addAll(models.scored("r2", 0.62, 2.33, 3));
        results.addAll(models.scored("r3", 0.58, 2.35, 4));
        results.addAll(models.scored("sliced", 0.79, 2.005, 5));
        for (int seed = 1; seed <= 3; seed++) {
            results.addAll(models.scored("r" + seed + "-tuned", 0.7, 2.1, 10 + seed));
        }
        models.write();
    }

    private List<ResultRow> of(String... ids) {
        return results.stream()
                .filter(row -> List.of(ids).contains(row.modelId()))
                .toList();
    }

    private static ComparisonRow row(Comparison comparison, String subject, String metric) {
        return comparison.rows().stream()
                .filter(row -> row.subject().equals(subject) && row.metric().equals(metric))
                .findFirst()
                .orElseThrow();
    }

    private List<Row> scored(String id) {
        return warehouse
                .rows(UncurlTable.SCORED, "model_id", id)
                .orderBy("example_id")
                .collectAsList();
    }

    private static boolean right(Row row) {
        return row.<Integer>getAs("prediction").equals(row.getAs("label"));
    }

    @Test
    void countsValuesAndDifferencesAreThoseOfPlainLoops() {
        Comparison comparison = Comparison.of(warehouse, "parent", of("sliced", "parent"), 0.05);
        List<Row> before = scored("parent");
        List<Row> after = scored("sliced");
        long better = 0;
        long worse = 0;
        double loss = 0;
        double tokens = 0;
        for (int i = 0; i < EXAMPLES; i++) {
            better += right(after.get(i)) && !right(before.get(i)) ? 1 : 0;
            worse += !right(after.get(i)) && right(before.get(i)) ? 1 : 0;
            loss += after.get(i).<Double>getAs("text_loss") - before.get(i).<Double>getAs("text_loss");
            tokens += after.get(i).<Integer>getAs("text_tokens");
        }
        ComparisonRow acc = row(comparison, "sliced", "acc");
        assertThat(List.of(acc.better().orElseThrow(), acc.worse().orElseThrow()))
                .containsExactly(better, worse);
        double difference = (better - worse) / (double) EXAMPLES;
        assertThat(acc.difference()).isCloseTo(difference, within(1e-12));
        assertThat(acc.difference()).isBetween(acc.low(), acc.high());
        double error = Math.sqrt(((better + worse) / (double) EXAMPLES - difference * difference) / (EXAMPLES - 1));
        assertThat(acc.detectable()).isCloseTo(2.8015852 * error, within(1e-6));
        assertThat(acc.high() - acc.low()).isCloseTo(2 * 1.96 * error, within(0.3 * error));
        assertThat(acc.pHolm()).isEqualTo(acc.pValue());
        assertThat(acc.n()).isEqualTo(EXAMPLES);
        ComparisonRow text = row(comparison, "sliced", "loss_per_token");
        assertThat(text.difference()).isCloseTo(loss / tokens, within(1e-12));
        assertThat(text.n()).isEqualTo((long) tokens);
        assertThat(text.clusters()).isEqualTo(EXAMPLES);
        assertThat(text.notWorse()).isTrue();
        assertThat(text.pValue()).isEmpty();
        ComparisonRow baseline = row(comparison, "parent", "acc");
        assertThat(List.of(baseline.difference(), baseline.low(), baseline.high(), baseline.detectable()))
                .containsOnly(0.0);
        assertThat(acc.method()).contains("random");
        assertThat(acc.planId()).contains("0123456789ab1");
    }

    @Test
    void modelsThatDifferInTheSeedOfTheirPlanAloneAreOneSubject() {
        Comparison comparison =
                Comparison.of(warehouse, "parent", of("parent", "r3", "r1", "r2", "sliced", "same"), 0.01);
        assertThat(comparison.rows().stream().filter(row -> row.metric().equals("acc")))
                .extracting(ComparisonRow::subject)
                .containsExactlyInAnyOrder("parent", "same", "sliced", "random K=4 mask (3 seeds)");
        ComparisonRow random = row(comparison, "random K=4 mask (3 seeds)", "loss_per_token");
        assertThat(random.models()).containsExactly("r1", "r2", "r3");
        assertThat(random.seeds()).isEqualTo(3);
        assertThat(random.experts()).contains(4);
        assertThat(random.notWorse()).isFalse();
        assertThat(row(comparison, "random K=4 mask (3 seeds)", "acc").pValue()).isEmpty();
        // three losses of about 2.31, 2.33, 2.35: the interval is that of seeds, far wider than that of one of them
        ComparisonRow one = row(Comparison.of(warehouse, "parent", of("parent", "r2"), 0.01), "r2", "loss_per_token");
        assertThat(random.high() - random.low()).isGreaterThan(3 * (one.high() - one.low()));
        assertThat(random.difference()).isCloseTo(0.33, within(0.02));
    }

    @Test
    void finetunedModelsOfAPlanAreOneSubjectIfTheyWereFinetunedAlike() {
        List<ComparisonRow> rows = Comparison.of(
                        warehouse, "parent", of("parent", "r1-tuned", "r2-tuned", "r3-tuned"), 0.01)
                .rows();
        assertThat(rows).extracting(ComparisonRow::subject).contains("random K=4 mask finetuned (3 seeds)");
        models.finetuned("other", "r3", "two epochs");
        var mixed = new ArrayList<>(of("parent", "r1-tuned", "r2-tuned"));
        mixed.addAll(models.scored("other", 0.7, 2.1, 30));
        models.write();
        assertThat(Comparison.of(warehouse, "parent", mixed, 0.01).rows())
                .extracting(ComparisonRow::subject)
                .contains("other", "random K=4 mask finetuned (2 seeds)");
    }

    @Test
    void aPlanThatWasScoredWithoutAModelIsKnownByItsId() {
        models.plan("base-of-plans", 7);
        var scored = new ArrayList<>(of("parent"));
        scored.addAll(models.scored("base-of-plans+0123456789ab-zero-unaligned", 0.5, 3, 21));
        models.write();
        ComparisonRow row = row(
                Comparison.of(warehouse, "parent", scored, 0.01), "base-of-plans+0123456789ab-zero-unaligned", "acc");
        assertThat(row.method()).contains("random");
        assertThat(row.router()).contains("zero");
        assertThat(row.planId()).contains("0123456789ab7");
    }

    @Test
    void identicalModelsShareALetterAndWorseOnesDoNot() {
        Comparison comparison = Comparison.of(warehouse, "parent", of("parent", "same", "r1"), 0.01);
        assertThat(row(comparison, "same", "acc").letters()).isEqualTo("a");
        assertThat(row(comparison, "parent", "acc").letters()).isEqualTo("a");
        assertThat(row(comparison, "r1", "acc").letters()).isEqualTo("b");
        assertThat(row(comparison, "same", "acc").notWorse()).isTrue();
        assertThat(row(comparison, "r1", "acc").pValue().orElseThrow()).isLessThan(1e-4);
        assertThat(row(comparison, "same", "acc").pHolm()).contains(1.0);
        assertThat(ComparisonText.of(comparison))
                .contains("acc against parent", "share a letter", "baseline", "not shown");
    }

    @Test
    void aComparisonIsMadeOnceAndDoesNotDependOnTheOrderOfTheModels() {
        List<ComparisonRow> first = Comparison.of(warehouse, "same", of("parent", "same", "r1"), 0.02)
                .rows();
        var shuffled = new ArrayList<>(of("parent", "same", "r1"));
        Collections.shuffle(shuffled, new Random(1));
        List<ComparisonRow> again =
                Comparison.of(warehouse, "same", shuffled, 0.02).rows();
        assertThat(again).usingRecursiveComparison().ignoringFields("createdAt").isEqualTo(first);
        String id = first.get(0).comparisonId();
        assertThat(warehouse.rows(UncurlTable.COMPARISONS, "comparison_id", id).count())
                .isEqualTo(first.size())
                .isEqualTo(15);
        assertThat(Comparison.of(warehouse, "same", shuffled, 0.03)
                        .rows()
                        .get(0)
                        .comparisonId())
                .isNotEqualTo(id);
    }

    @Test
    void modelsWithOtherExamplesAreRefused() {
        var few = new ArrayList<>(of("parent"));
        few.addAll(models.scored("few", 0.5, 2, 9, 100));
        models.write();
        assertThatThrownBy(() -> Comparison.of(warehouse, "parent", few, 0.01))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("parent and few cannot be compared")
                .hasMessageContaining("100 of 300 and 100 examples");
        assertThatThrownBy(() -> Comparison.of(warehouse, "parent", of("parent"), 0.01))
                .hasMessageContaining("nothing to compare");
    }

    @Test
    void aModelThatWasScoredOnFewerExamplesIsLeftOutAndNeverComparedAlone() {
        List<ResultRow> stopped = of("r1").stream()
                .map(row -> new ResultRow(
                        row.modelId(),
                        row.task(),
                        row.split(),
                        row.metric(),
                        row.value(),
                        row.n(),
                        row.standardError(),
                        row.majorityBaseline(),
                        row.constantPredictor(),
                        row.promptVersion(),
                        row.manifestSha256(),
                        "run first 64",
                        row.examplesCut(),
                        row.examplesRefused(),
                        row.rowsRejected(),
                        row.planId(),
                        row.router()))
                .toList();
        var all = new ArrayList<>(stopped);
        all.addAll(of("parent", "same"));
        assertThat(Comparison.of(warehouse, "parent", all, 0.04).rows())
                .extracting(ComparisonRow::subject)
                .containsOnly("parent", "same");
        all.removeAll(of("same"));
        assertThatThrownBy(() -> Comparison.of(warehouse, "parent", all, 0.04))
                .hasMessageContaining("parent and r1 cannot be compared")
                .hasMessageContaining("run first 64");
    }

    @Test
    void aConstantPredictorAndFewExamplesAreFlagged() {
        var small = new ComparedModels(warehouse, "validation", 40);
        var both = new ArrayList<>(small.scored("small", 1, 2, 1));
        both.addAll(small.scored("wrong", 0, 2, 2));
        small.write();
        Comparison comparison = Comparison.of(warehouse, "small", both, 0.01);
        assertThat(row(comparison, "wrong", "acc").flags()).containsExactly("below-majority", "few-examples");
        assertThat(row(comparison, "wrong", "loss_per_token").flags()).containsExactly("few-examples");
        assertThat(row(comparison, "wrong", "acc").worse()).contains(40L);
        assertThat(row(comparison, "wrong", "acc_norm").flags()).startsWith("constant");
        assertThat(row(comparison, "wrong", "acc_norm").difference()).isZero();
        assertThat(row(comparison, "wrong", "acc_tokens").difference()).isEqualTo(-1);
    }

    /** Three questions of two answers each, the last two about one passage. */
    @Test
    void anExactMatchIsOfQuestionsAndPassagesAreTheUnits() {
        var examples = new ArrayList<Map<String, Object>>();
        int[][] predictions = {{1, 0, 1, 0, 1, 0}, {1, 0, 1, 1, 0, 0}};
        for (int i = 0; i < 6; i++) {
            examples.add(Map.of(
                    "task",
                    "superglue/multirc",
                    "split",
                    "validation",
                    "example_id",
                    (long) i,
                    "source",
                    "multirc.jsonl",
                    "source_offset",
                    i / 2 * 100L,
                    "right_choices",
                    new int[] {1 - i % 2}));
        }
        RoutingFixture.append(warehouse, UncurlTable.EXAMPLES, examples);
        var both = new ArrayList<ResultRow>();
        for (int m = 0; m < 2; m++) {
            String id = "multi" + m;
            var rows = new ArrayList<Map<String, Object>>();
            for (int i = 0; i < 6; i++) {
                rows.add(Map.ofEntries(
                        Map.entry("model_id", id),
                        Map.entry("task", "superglue/multirc"),
                        Map.entry("split", "validation"),
                        Map.entry("example_id", (long) i),
                        Map.entry("prediction", predictions[m][i]),
                        Map.entry("label", 1 - i % 2),
                        Map.entry("text_loss", 1.0),
                        Map.entry("target_loss", 1.0),
                        Map.entry("cluster", i < 2 ? "a" : "b"),
                        Map.entry("manifest_sha256", id),
                        Map.entry("data", "run")));
            }
            RoutingFixture.append(warehouse, UncurlTable.SCORED, rows);
            both.add(new ResultRow(
                    id,
                    "superglue/multirc",
                    "validation",
                    "em",
                    0,
                    3,
                    0,
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    id,
                    "run",
                    Optional.of(0L),
                    Optional.of(0L),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty()));
        }
        ComparisonRow row = row(Comparison.of(warehouse, "multi0", both, 0.01), "multi1", "em");
        assertThat(row.n()).isEqualTo(3);
        assertThat(row.clusters()).isEqualTo(2);
        assertThat(row.value()).isCloseTo(1 / 3.0, within(1e-12));
        assertThat(row.againstValue()).isEqualTo(1);
        assertThat(row.worse()).contains(2L);
        assertThat(List.of(row.low(), row.high())).containsExactly(-1.0, 0.0);
    }

    @Test
    void evaluateScoresTheBaselineFirstAndComparesWithIt() {
        RoutingFixture.task(warehouse, "superglue/wic", 12, 3);
        RoutingFixture.model(warehouse, "one", RoutingFixture.config(3, 1), 1);
        RoutingFixture.model(warehouse, "two", RoutingFixture.config(3, 1), 2);
        String line = "evaluate --model two --against one --split train --task superglue/wic --margin 0.5";
        String out = cli.succeed(line);
        assertThat(out).contains("one on superglue/wic", "loss_per_token against one", "few-examples", "by 0.5000");
        assertThat(out.indexOf("one on superglue/wic")).isLessThan(out.indexOf("two on superglue/wic"));
        assertThat(cli.succeed(line)).contains("comparison with one is there already");
        assertThat(warehouse
                        .rows(UncurlTable.COMPARISONS, "task", "superglue/wic")
                        .count())
                .isEqualTo(4);
        assertThat(cli.run("evaluate --model two --task x --margin 0.1".split(" "))
                        .code())
                .isEqualTo(2);
    }
}

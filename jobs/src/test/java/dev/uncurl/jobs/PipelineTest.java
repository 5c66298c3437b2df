package dev.uncurl.jobs;

import static org.apache.spark.sql.functions.col;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.SchemasTest;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.pruning.BuiltInMethods;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** The whole path on a tiny model: every command once, then what must hold of what they wrote. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PipelineTest {
    private static final String TASK = "superglue/copa";
    private static final List<BuiltInMethods> METHODS =
            List.of(BuiltInMethods.UNCURL, BuiltInMethods.FREQUENCY, BuiltInMethods.RANDOM, BuiltInMethods.HC_SMOE);

    private Cli cli;

    @BeforeAll
    void runEveryStage(@TempDir Path folder) {
        cli = new Cli(folder.resolve("warehouse"));
        cli.succeed("tokenize --config " + config("tokenize"));
        cli.succeed("pretrain --model base --config " + config("pretrain-long"));
        cli.succeed("finetune --stage prefinetune --from base --model instructed --task flan --config "
                + config("finetune"));
        cli.succeed("dump-logits --model instructed --task " + TASK + " --tokens 3000 --outputs 500");
        for (BuiltInMethods method : METHODS) {
            cli.succeed("prune --from instructed --task " + TASK + " --experts 2 --method " + method.id() + " --model "
                    + method.id());
        }
        cli.succeed("finetune --from uncurl --model tuned --task " + TASK + " --config " + config("finetune"));
        cli.succeed("evaluate --task " + TASK
                + " --model uncurl --model tuned --against uncurl --latency --latency-batch 2");
    }

    private static String config(String name) {
        return Path.of("src/test/resources/tiny/" + name + ".conf").toString();
    }

    private ModelFolder model(String id) {
        return new Models(cli.open()).open(id);
    }

    @Test
    void documentsAndTokensAreConserved() {
        Warehouse warehouse = cli.open();
        for (Row run : warehouse.table(UncurlTable.RUNS).collectAsList()) {
            String corpus = run.getAs("corpus");
            long kept = run.getAs("documents_kept");
            assertThat(run.<Long>getAs("documents_in"))
                    .isEqualTo(kept + run.<Long>getAs("documents_filtered") + run.<Long>getAs("documents_rejected"));
            long sequences =
                    warehouse.rows(UncurlTable.SEQUENCES, "corpus", corpus).count();
            long examples = warehouse
                    .table(UncurlTable.EXAMPLES)
                    .where(col("task").equalTo(corpus).or(col("task").startsWith(corpus + "/")))
                    .count();
            assertThat(run.<Long>getAs("rows")).isEqualTo(sequences + examples);
            if (sequences > 0) {
                assertThat(run.<Long>getAs("tokens") + run.<Long>getAs("padding"))
                        .isEqualTo(sequences * run.<Integer>getAs("sequence_length"));
                long starts = warehouse
                        .rows(UncurlTable.SEQUENCES, "corpus", corpus)
                        .selectExpr("sum(size(document_starts))")
                        .first()
                        .getLong(0);
                assertThat(starts).isEqualTo(kept);
            }
        }
    }

    @Test
    void everyTableEqualsItsSchema() {
        Warehouse warehouse = cli.open();
        for (UncurlTable table : UncurlTable.values()) {
            assertThat(warehouse.table(table).columns())
                    .as(table.id())
                    .containsExactly(SchemasTest.columns(table).toArray(String[]::new));
            if (table != UncurlTable.REJECTIONS && table != UncurlTable.CELLS) { // the pipeline sweeps nothing
                assertThat(warehouse.table(table).isEmpty()).as(table.id()).isFalse();
            }
        }
    }

    @Test
    void theSameSeedGivesTheSameWeights() throws IOException {
        cli.succeed("pretrain --model again --config " + config("pretrain-long"));
        assertThat(WeightArray.of(model("again"))).containsExactly(WeightArray.of(model("base")));
        assertThat(model("again").manifest().files())
                .isEqualTo(model("base").manifest().files());
        cli.succeed("pretrain --model other --config " + config("pretrain-long"), "--set", "train.seed=2");
        assertThat(Arrays.equals(WeightArray.of(model("other")), WeightArray.of(model("base"))))
                .isFalse();
    }

    @Test
    void keepingAllExpertsGivesTheModelBackBitForBit() throws IOException {
        for (BuiltInMethods method : METHODS) {
            cli.succeed("prune --from instructed --task " + TASK + " --experts 4 --method " + method.id()
                    + " --model all-" + method.id());
            assertThat(WeightArray.of(model("all-" + method.id())))
                    .containsExactly(WeightArray.of(model("instructed")));
        }
    }

    @Test
    void whatWasDoneIsReusedAndSaysSo() {
        assertThat(cli.succeed("tokenize --config " + config("tokenize"))).contains("Corpus mc4 is there already");
        assertThat(cli.succeed("pretrain --model base --config " + config("pretrain-long")))
                .contains("Model base is there already")
                .contains("unigram loss");
        assertThat(cli.succeed("dump-logits --model instructed --task " + TASK + " --tokens 3000"))
                .contains("there already");
        assertThat(cli.succeed(
                        "prune --from instructed --task " + TASK + " --experts 2 --method uncurl --model uncurl"))
                .contains("Model uncurl is there already");
        assertThat(cli.succeed("evaluate --task " + TASK + " --model tuned")).contains("there already: reused");
    }

    @Test
    void exactMatchIsOverTheQuestionsOfTheFile() {
        for (String task : List.of("superglue/multirc", "superglue/record")) {
            cli.succeed("evaluate --model base --task " + task);
            // again in SQL: a question counts when no example of it has a prediction that is not right
            Row expected = cli.open()
                    .spark()
                    .sql("SELECT avg(int(wrong = 0)), count(*) FROM (SELECT"
                            + " count_if(NOT array_contains(right_choices, prediction)) AS wrong"
                            + " FROM uncurl.corpus.examples JOIN uncurl.evaluation.examples USING (task, split, example_id)"
                            + " WHERE task = '" + task + "' AND split = 'validation' AND model_id = 'base'"
                            + " GROUP BY source, source_offset, source_group)")
                    .first();
            Row metric = cli.open()
                    .rows(UncurlTable.RESULTS, "model_id", "base", "task", task, "metric", "em")
                    .first();
            assertThat(metric.<Double>getAs("value")).isEqualTo(expected.getDouble(0));
            assertThat(metric.<Long>getAs("n")).isEqualTo(expected.getLong(1)).isPositive();
        }
    }

    @Test
    void otherInputsForTheSameNameAreAConflictThatNamesThem() {
        Cli.Outcome outcome =
                cli.run("pretrain", "--model", "base", "--config", config("pretrain-long"), "--set", "train.seed=3");
        assertThat(outcome.code()).isEqualTo(5);
        assertThat(outcome.err())
                .contains("Model base exists")
                .contains("train:")
                .contains("\"seed\":3");
    }

    @Test
    void trainingMovesTheWeightsAndLowersTheLoss() {
        List<Row> rounds = cli.open()
                .rows(UncurlTable.METRICS, "run_id", "base")
                .orderBy("step")
                .collectAsList();
        assertThat(rounds.get(rounds.size() - 1).<Double>getAs("loss"))
                .isLessThan(rounds.get(0).<Double>getAs("loss") - 0.1);
        Row row = rounds.get(0);
        assertThat(row.<Double>getAs("grad_norm")).isPositive();
        List<Row> layers = row.getList(row.fieldIndex("layers"));
        assertThat(layers).singleElement().satisfies(layer -> {
            assertThat(layer.getInt(0)).isEqualTo(1);
            assertThat(layer.getDouble(1)).isBetween(1.0, 4.0);
        });
    }

    @Test
    void everyTokenHasARowPerLayerAndPaddingHasNone() {
        Warehouse warehouse = cli.open();
        Row logits = warehouse
                .table(UncurlTable.LOGITS)
                .selectExpr(
                        "count(*)",
                        "count(DISTINCT sequence_id, position)",
                        "min(size(logits))",
                        "max(size(logits))",
                        "min(token_id)")
                .first();
        assertThat(logits.getLong(0)).isEqualTo(logits.getLong(1)).isGreaterThanOrEqualTo(3000);
        assertThat(logits.getInt(2)).isEqualTo(4);
        assertThat(logits.getInt(3)).isEqualTo(4);
        assertThat(logits.getInt(4)).isNotNegative();
        Row gates = warehouse
                .table(UncurlTable.LOGITS)
                .selectExpr(
                        "max(abs(gates[0] - exp(logits[experts[0]]) / aggregate(logits, 0D, (s, x) -> s + exp(x))))",
                        "count_if(logits[experts[0]] < array_max(logits))")
                .first();
        assertThat(gates.getDouble(0)).isLessThan(1e-5);
        assertThat(gates.getLong(1)).isZero();
    }

    @Test
    void anEntryOfTheStoredGramMatrixIsThatOfSql() {
        Warehouse warehouse = cli.open();
        var rows = warehouse.rows(UncurlTable.LOGITS, "model_id", "instructed", "task", TASK);
        List<Row> stored =
                warehouse.rows(UncurlTable.GRAM, "model_id", "instructed").collectAsList();
        double[] gram = stored.get(0).<Double>getList(stored.get(0).fieldIndex("gram")).stream()
                .mapToDouble(Double::doubleValue)
                .toArray();
        double entry = rows.selectExpr("sum(double(logits[1]) * double(logits[2]))")
                .first()
                .getDouble(0);
        assertThat(gram[1 * 4 + 2]).isCloseTo(entry, within(1e-6 * Math.abs(entry) + 1e-6));
    }

    @Test
    void plansHaveARowPerExpertAndPrunedModelsKExperts() {
        Warehouse warehouse = cli.open();
        var clusters = new TreeMap<String, Long>();
        warehouse
                .table(UncurlTable.ASSIGNMENTS)
                .where("experts_after = 2")
                .groupBy("method")
                .agg(org.apache.spark.sql.functions.countDistinct(col("expert")).as("experts"))
                .collectAsList()
                .forEach(row -> clusters.put(row.getString(0), row.getLong(1)));
        assertThat(clusters)
                .containsOnlyKeys(METHODS.stream().map(BuiltInMethods::id).toList())
                .allSatisfy((method, experts) -> assertThat(experts).isEqualTo(4L));
        ModelFolder pruned = model("uncurl");
        assertThat(pruned.config().moe().experts()).isEqualTo(2);
        assertThat(pruned.manifest().lineage().parentModelId()).isEqualTo("instructed");
    }

    @Test
    void resultsCarryTheirErrorAndBaseline() {
        Row accuracy = cli.open()
                .rows(UncurlTable.RESULTS, "model_id", "tuned", "task", TASK, "metric", "acc")
                .first();
        assertThat(accuracy.<Long>getAs("n")).isEqualTo(53);
        assertThat(accuracy.<Double>getAs("standard_error")).isPositive();
        assertThat(accuracy.<Double>getAs("majority_baseline")).isBetween(0.5, 0.7);
        assertThat(cli.succeed("report --task " + TASK))
                .contains("tuned")
                .contains("uncurl")
                .contains("loss_before");
    }

    @Test
    void aModelFolderWithoutItsManifestDoesNotExist() throws IOException {
        cli.succeed("finetune --from base --model torn --task " + TASK + " --config " + config("finetune"));
        Files.delete(cli.folder().resolve("models/torn/manifest.json"));
        Cli.Outcome outcome = cli.run("evaluate", "--model", "torn", "--task", TASK);
        assertThat(outcome.code()).isEqualTo(3);
        assertThat(outcome.err()).contains("torn").contains("manifest.json");
        assertThat(cli.open().rows(UncurlTable.RESULTS, "model_id", "torn").isEmpty())
                .isTrue();
    }

    @Test
    void aNumberOfExpertsThatIsNotPossibleIsRefused() {
        for (String experts : List.of("0", "5")) {
            Cli.Outcome outcome = cli.run(
                    "prune",
                    "--from",
                    "instructed",
                    "--task",
                    TASK,
                    "--experts",
                    experts,
                    "--method",
                    "uncurl",
                    "--model",
                    "nothing");
            assertThat(outcome.code()).isEqualTo(2);
            assertThat(outcome.err()).contains(experts).contains("4");
        }
        assertThat(cli.folder().resolve("models/nothing")).doesNotExist();
    }

    @Test
    void anOutputThatAnotherRunHoldsIsRefused() {
        Warehouse warehouse = cli.open();
        try (var lock = warehouse.lock("model", "held")) {
            Cli.Outcome outcome = cli.run(
                    "finetune", "--from", "base", "--model", "held", "--task", TASK, "--config", config("finetune"));
            assertThat(outcome.code()).isEqualTo(5);
            assertThat(outcome.err()).contains("model held");
        }
    }
}

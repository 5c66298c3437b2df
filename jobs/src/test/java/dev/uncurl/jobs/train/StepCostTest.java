package dev.uncurl.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.config.Settings;
import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.model.ModelSize;
import dev.uncurl.model.spec.ModelConfig;
import java.nio.file.Path;
import java.util.List;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StepCostTest {
    private static PretrainConfig config(String... overrides) {
        return Settings.load("src/test/resources/tiny/pretrain.conf", List.of(overrides))
                .bind(PretrainConfig.class);
    }

    /** docs of the benchmark: 8 x 256 tokens of preset bench are 70.9 GFLOP */
    @Test
    void theOperationsOfTheBenchmarksModelAreThoseCountedByHand() {
        ModelConfig bench = Settings.load("model/bench", List.of()).bind(ModelConfig.class);
        assertThat(2048 * StepCost.operationsPerToken(bench)).isCloseTo(70.9e9, within(0.1e9));
    }

    /** Of preset bench: 2 layers of 8 experts of 2 * 256 * 1024 + 1024 + 256 parameters; 16 sequences of 256 tokens. */
    @Test
    void dividedExpertsTakeLessMemoryAndTrafficOfTokens() {
        ModelConfig bench = Settings.load("model/bench", List.of()).bind(ModelConfig.class);
        var train = config("train.batch=16", "train.micro-batch=2").train();
        long experts = 2 * 8 * (2L * 256 * 1024 + 1024 + 256);
        StepCost whole = StepCost.of(bench, train, 8, 1);
        StepCost halves = StepCost.of(bench, train, 8, 2);
        StepCost single = StepCost.of(bench, train, 8, 8);
        long common = whole.parameters() - experts;
        assertThat(halves.parameters()).isEqualTo(common + experts / 2);
        assertThat(single.parameters()).isEqualTo(common + experts / 8);
        assertThat(single.memory()).isLessThan(halves.memory()).isLessThan(whole.memory());
        assertThat(whole.sent()).isEqualTo(4 * 2 * (common + experts) * 7 / 8.0);
        // four ranks have the same experts; 2 * 256 tokens go to and fro twice, half of them to the other rank
        assertThat(halves.sent())
                .isEqualTo(4 * (2 * common * 7 / 8.0 + 2 * experts / 2 * 3 / 4.0 + 512 * 2 * 256 * 4 / 2.0));
        assertThat(single.sent()).isEqualTo(4 * (2 * common * 7 / 8.0 + 512 * 2 * 256 * 4 * 7 / 8.0));
        assertThat(whole.operations()).isEqualTo(512 * StepCost.operationsPerToken(bench));
    }

    /** With the rows of other ranks, the moments of slices, and a sum of gradients, as there are several micro-steps. */
    @ParameterizedTest
    @CsvSource({"8, 1, 2", "8, 2, 2", "8, 8, 1", "2, 1, 2", "1, 1, 3"})
    void theMemoryIsThatWhichTrainingChecks(int ranks, int parts, int microBatch) {
        ModelConfig bench = Settings.load("model/bench", List.of()).bind(ModelConfig.class);
        var other = config("train.batch=16", "train.micro-batch=" + microBatch).train();
        var train = config(
                        "train.batch=16",
                        "train.micro-batch=" + microBatch,
                        "train.ranks=" + ranks,
                        "train.expert-parallel=" + parts)
                .train();
        assertThat(StepCost.of(bench, other, ranks, parts).memory()).isEqualTo(ModelSize.trainingBytes(bench, train));
    }

    /** The numbers that are gathered are few, beside the parameters. */
    @Test
    @Tag("slow")
    void theTrafficIsThatWhichRanksCount(@TempDir Path folder) {
        var cli = new Cli(folder.resolve("warehouse"));
        cli.succeed("tokenize --config src/test/resources/tiny/tokenize.conf");
        PretrainConfig config = config();
        for (int ranks : new int[] {1, 2, 3}) {
            cli.succeed(
                    "pretrain --config src/test/resources/tiny/pretrain.conf --set corpora=[cc100] --set train.tokens=1000"
                            + " --set train.validation.every=0 --set train.ranks=" + ranks + " --model ranks" + ranks);
            List<Row> rows = cli.open()
                    .rows(UncurlTable.METRICS, "run_id", "ranks" + ranks)
                    .orderBy("step")
                    .collectAsList();
            double sent = rows.stream()
                    .mapToDouble(row -> row.<Double>getAs("sent_bytes_mean"))
                    .sum();
            int steps = rows.get(rows.size() - 1).getAs("step");
            double counted = steps
                    * StepCost.of(config.model(), config.train(), ranks, 1).sent();
            assertThat(sent).as("%d ranks", ranks).isCloseTo(counted, within(0.02 * counted + 1e-9));
        }
    }
}

package dev.uncurl.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.WeightArray;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.UncurlTable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * A pretraining by one, two, three and four ranks, and by ranks that divide the experts, with top-2, a capacity, and a row of metrics
 * for each step.
 */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RanksTest {
    private static final String PRETRAIN = "pretrain --config src/test/resources/tiny/pretrain.conf"
            + " --set corpora=[cc100] --set model.moe.top-k=2 --set model.moe.capacity-factor=1.1"
            + " --set train.metrics-every=1 --set train.micro-batch=8 --set train.validation.every=0"
            + " --set train.checkpoint.every=11 --set train.checkpoint.stay=true";

    /**
     * Their number, and after a dash expert-parallel. Not 4-4: there a token of step 14 chooses another one of two experts that are
     * equal apart from rounding. Losses differ by 3e-9 before that step, and by 1.5e-5 at most after it. RankStepTest has that pair.
     */
    private static final List<String> RANKS = List.of("1", "2", "3", "4", "2-2", "4-2");

    private Cli cli;
    private final Map<String, List<Row>> metrics = new HashMap<>();

    @BeforeAll
    void train(@TempDir Path folder) {
        cli = new Cli(folder.resolve("warehouse"));
        cli.succeed("tokenize --config src/test/resources/tiny/tokenize.conf");
        for (String ranks : RANKS) {
            String[] pair = ranks.split("-");
            String parallel = pair.length == 1 ? "1" : pair[1];
            cli.succeed(PRETRAIN + " --model ranks" + ranks + " --set train.ranks=" + pair[0]
                    + " --set train.expert-parallel=" + parallel);
            metrics.put(
                    ranks,
                    cli.open()
                            .rows(UncurlTable.METRICS, "run_id", "ranks" + ranks)
                            .orderBy("step")
                            .collectAsList());
        }
    }

    @Test
    void everyStepHasTheSameSequencesAndTheSameLossApartFromRounding() {
        List<Row> one = metrics.get("1");
        assertThat(one).hasSize(24);
        assertThat(one.stream().map(row -> row.<Long>getAs("sequences_hash"))).doesNotHaveDuplicates();
        for (String ranks : RANKS.subList(1, RANKS.size())) {
            for (int step = 0; step < 24; step++) {
                Row row = metrics.get(ranks).get(step);
                double loss = one.get(step).getAs("loss");
                assertThat(row.<Double>getAs("loss")).as(ranks).isCloseTo(loss, within(1e-5 * loss));
                assertThat(row.<Long>getAs("tokens")).isEqualTo(one.get(step).getAs("tokens"));
                assertThat(row.<Object>getAs("layers"))
                        .as(ranks)
                        .isEqualTo(one.get(step).getAs("layers"));
                assertThat(row.<Long>getAs("sequences_hash"))
                        .isEqualTo(one.get(step).getAs("sequences_hash"));
            }
        }
    }

    @Test
    void weightsAreTheSameApartFromRounding() throws IOException {
        var models = new Models(cli.open());
        float[] one = WeightArray.of(models.open("ranks1"));
        for (String ranks : RANKS.subList(1, RANKS.size())) {
            float[] other = WeightArray.of(models.open("ranks" + ranks));
            for (int i = 0; i < one.length; i++) {
                assertThat(other[i]).isCloseTo(one[i], within(1e-3f));
            }
        }
    }

    @Test
    void theMetricsSayWhereTheTimeWent() {
        for (Row row : metrics.get("3")) {
            double most = row.getAs("compute_seconds_max");
            assertThat(row.<Double>getAs("compute_seconds_mean")).isPositive().isLessThanOrEqualTo(most);
            assertThat(row.<Double>getAs("exchange_seconds_mean")).isPositive();
            assertThat(row.<Double>getAs("wait_seconds_mean"))
                    .isPositive()
                    .isLessThanOrEqualTo(row.<Double>getAs("wait_seconds_max"));
            assertThat(row.<Double>getAs("data_seconds_max")).isNotNegative();
            assertThat(row.<Double>getAs("sent_bytes_mean")).isPositive();
        }
    }

    @Test
    void theCheckpointOfTheLastStepGoesSinceTheModelHasItsWeights() throws IOException {
        var warehouse = cli.open();
        var folder = warehouse.checkpointFolder("ranks2");
        assertThat(warehouse.files().listStatus(folder))
                .extracting(status -> status.getPath().getName())
                .containsExactly("step-22");
    }
}

package dev.uncurl.dl4j;

import static dev.uncurl.dl4j.RankTraining.BATCH;
import static dev.uncurl.dl4j.RankTraining.STEPS;
import static dev.uncurl.dl4j.RankTraining.alone;
import static dev.uncurl.dl4j.RankTraining.batch;
import static dev.uncurl.dl4j.RankTraining.config;
import static dev.uncurl.dl4j.RankTraining.network;
import static dev.uncurl.dl4j.RankTraining.onRanks;
import static dev.uncurl.dl4j.RankTraining.share;
import static dev.uncurl.dl4j.RankTraining.together;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.dl4j.RankTraining.Run;
import dev.uncurl.error.UserError;
import dev.uncurl.model.TrainStep;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.model.spec.MoeLayer;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The law of synchronous training: apart from rounding, losses and weights do not depend on the number of ranks. The oracle is
 * a network that trains alone on each whole batch, by DL4J's fit().
 */
@Tag("slow")
class RankStepTest {
    static Stream<Arguments> models() {
        var mapped = new MoeLayer(3, List.of(0, 1, 1, 0, 2, -2, -2, 2));
        var five = new MoeLayer(5);
        return Stream.of(
                Arguments.of("top-1", config(1, 0)),
                Arguments.of("top-2", config(2, 0)),
                Arguments.of("top-1 with a capacity", config(1, 1.1)),
                Arguments.of("top-2 with a capacity", config(2, 1.1)),
                Arguments.of(
                        "top-2, mapped", config(2, 0.8).withMoeLayers(new TreeMap<>(Map.of(1, mapped, 3, mapped)))),
                Arguments.of(
                        "uneven blocks",
                        config(2, 0).withMoeLayers(new TreeMap<>(Map.of(1, five, 3, new MoeLayer(8))))),
                Arguments.of("dense", config(new MoeConfig(0, 1, 2, false, 0, 0))));
    }

    /** One if there are no experts. */
    private static int fewestExperts(ModelConfig config) {
        return Arrays.stream(config.moeLayers())
                .map(layer -> config.moe().layer(layer).experts())
                .min()
                .orElse(1);
    }

    /** By (ranks, expert-parallel). */
    @ParameterizedTest(name = "{0}")
    @MethodSource("models")
    void lossesDoNotDependOnTheNumberOfRanks(String name, ModelConfig config) throws Exception {
        Run alone = alone(config, 0, STEPS);
        long clipped = alone.results().stream()
                .filter(result -> result.gradientNorm() > 0.7)
                .count();
        assertThat(clipped).as("clipped steps").isBetween(20L, (long) STEPS);
        assertThat(alone.losses()[STEPS - 1]).isLessThan(0.8 * alone.losses()[0]);
        for (int[] pair : new int[][] {{1, 1}, {2, 1}, {3, 1}, {4, 1}, {2, 2}, {4, 2}, {4, 4}}) {
            int ranks = pair[0];
            int parts = pair[1];
            if (parts > fewestExperts(config)) {
                continue;
            }
            Run together = together(config, new StepShares(BATCH, ranks, BATCH), parts, STEPS);
            for (int i = 0; i < STEPS; i++) {
                TrainStep.Result one = alone.results().get(i);
                TrainStep.Result many = together.results().get(i);
                String what = name + ", " + ranks + " ranks, expert-parallel " + parts + ", step " + (i + 1);
                assertThat(many.loss().total())
                        .as(what)
                        .isCloseTo(one.loss().total(), within(1e-5 * one.loss().total()));
                assertThat(many.loss().predicted()).isEqualTo(one.loss().predicted());
                assertThat(many.gradientNorm())
                        .as(what)
                        .isCloseTo(one.gradientNorm(), within(1e-3 * one.gradientNorm()));
            }
            if (ranks == 1) {
                assertThat(together.parameters()).isEqualTo(alone.parameters());
            }
            if (config.moe().capacityFactor() > 0) {
                assertThat(together.dropped().stream()
                                .mapToInt(Integer::intValue)
                                .sum())
                        .isPositive();
            }
        }
    }

    /** Micro-steps of the same sequences, from one rank's micro-batches of 6 to six ranks' of 1. */
    @Test
    void microStepsOfTheSameSequencesGiveTheSameLosses() throws Exception {
        ModelConfig config = config(2, 1.1);
        Run alone = alone(config, 6, 30);
        for (int ranks : new int[] {1, 2, 3, 6}) {
            Run together = together(config, new StepShares(BATCH, ranks, 6 / ranks), 30);
            for (int i = 0; i < 30; i++) {
                double loss = alone.losses()[i];
                assertThat(together.losses()[i]).isCloseTo(loss, within(1e-5 * loss));
            }
        }
    }

    /** In the last micro-step two of five ranks have no sequence. */
    @Test
    void ranksWithoutSequencesInAMicroStepTakePart() throws Exception {
        ModelConfig config = config(2, 1.1);
        Run alone = alone(config, 5, 30);
        Run together = together(config, new StepShares(BATCH, 5, 1), 30);
        for (int i = 0; i < 30; i++) {
            assertThat(together.losses()[i]).isCloseTo(alone.losses()[i], within(1e-5 * alone.losses()[i]));
        }
    }

    @ParameterizedTest
    @CsvSource({"3, 1", "4, 2", "3, 3"})
    void twoRunsOfTheSameRanksHaveTheSameBits(int ranks, int parts) throws Exception {
        ModelConfig config = config(2, 1.1);
        var shares = new StepShares(BATCH, ranks, 2);
        Run one = together(config, shares, parts, 40);
        Run other = together(config, shares, parts, 40);
        assertThat(one.losses()).containsExactly(other.losses());
        assertThat(one.parameters()).isEqualTo(other.parameters());
    }

    @Test
    void momentsAreThoseOfTheSliceAlone() throws Exception {
        ModelConfig config = config(2, 0);
        MultiLayerNetwork alone = network(config, 0);
        new NetworkStep(alone).take(batch(0));
        var shares = new StepShares(BATCH, 3, BATCH);
        List<float[]> moments = onRanks(config, shares, 1, (network, ranks) -> {
            var step = new RankStep(network);
            step.take(share(batch(0), shares, ranks.rank()));
            step.release();
            assertThat(network.getUpdater().getStateViewArray().length())
                    .isEqualTo(2 * SmoeNetwork.moments(network).length())
                    .isLessThan(network.numParams());
            return RankTraining.values(SmoeNetwork.moments(network));
        });
        float[] expected = RankTraining.values(SmoeNetwork.moments(alone));
        int at = 0;
        for (float[] slice : moments) {
            for (float value : slice) {
                assertThat(value).isCloseTo(expected[at++], within(1e-6f));
            }
        }
        assertThat(at).isEqualTo(expected.length);
    }

    @Test
    void aModelThatCannotRouteGivesAFaultOnEveryRank() throws Exception {
        ModelConfig config = config(1, 0);
        var shares = new StepShares(BATCH, 3, BATCH);
        List<TrainStep.Result> results = onRanks(config, shares, 1, (network, ranks) -> {
            if (ranks.rank() == 1) {
                network.params().assign(1e30);
            }
            var step = new RankStep(network);
            TrainStep.Result result = step.take(share(batch(0), shares, ranks.rank()));
            step.release();
            return result;
        });
        assertThat(results)
                .allMatch(result -> Double.isNaN(result.loss().crossEntropy()) && Double.isNaN(result.gradientNorm()));
        assertThat(results.get(1).fault()).contains("The router of block 1 gives token");
        assertThat(results.get(0).fault()).contains("block 1 gives a logit that is not finite on rank 1");
    }

    @Test
    void aReplicaThatDiffersIsNamedOnEveryRank() throws Exception {
        ModelConfig config = config(1, 0);
        var shares = new StepShares(BATCH, 3, BATCH);
        List<String> messages = onRanks(config, shares, 1, (network, ranks) -> {
            var step = new RankStep(network);
            step.requireEqualParameters();
            if (ranks.rank() == 2) {
                network.params().putScalar(77, Math.nextUp(network.params().getFloat(77)));
            }
            try {
                step.requireEqualParameters();
                return "none";
            } catch (UserError e) {
                return e.getMessage();
            }
        });
        assertThat(messages).allMatch(message -> message.contains("The parameters of rank 2 differ"));
    }

    @Test
    void aNetworkThatHasNotJoinedIsRefused() throws IOException {
        MultiLayerNetwork network = network(config(1, 0), 0);
        assertThatThrownBy(() -> new RankStep(network)).hasMessageContaining("has not joined any ranks");
    }
}

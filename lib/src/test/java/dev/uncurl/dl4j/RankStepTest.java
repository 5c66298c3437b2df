package dev.uncurl.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.collective.Collectives;
import dev.uncurl.collective.Loopback;
import dev.uncurl.error.UserError;
import dev.uncurl.model.FlatMoments;
import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.TrainStep;
import dev.uncurl.model.WeightArrays;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.model.spec.MoeLayer;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The law of synchronous training: apart from rounding, losses and weights do not depend on the number of ranks. The oracle is
 * a network that trains alone on each whole batch, by DL4J's fit().
 */
@Tag("slow")
class RankStepTest {
    private static final int VOCABULARY = 40;
    private static final int BATCH = 12;
    private static final int STEPS = 200;
    /** The norm of the gradient is between 0.5 and 4. */
    private static final FusedAdamW UPDATER = new FusedAdamW(1e-3)
            .withSchedule(20, STEPS, 1e-4)
            .withWeightDecay(0.1)
            .withMaximumGradientNorm(0.7);

    private static ModelConfig config(MoeConfig moe) {
        return new ModelConfig(4, 32, 2, 64, VOCABULARY, 16, moe);
    }

    private static ModelConfig config(int topK, double capacityFactor) {
        return config(new MoeConfig(8, topK, 2, topK > 1, 0.01, 0.001, capacityFactor));
    }

    /** Sequences of different lengths that count in steps of one or two, with some noise. */
    private static TokenBatch batch(long step) {
        var random = new Random(step);
        return TokenBatch.ofSequences(IntStream.range(0, BATCH)
                .mapToObj(row -> {
                    int first = random.nextInt(VOCABULARY);
                    int stride = 1 + random.nextInt(2);
                    return IntStream.range(0, 4 + random.nextInt(13))
                            .map(i -> random.nextInt(9) == 0
                                    ? random.nextInt(VOCABULARY)
                                    : (first + stride * i) % VOCABULARY)
                            .toArray();
                })
                .toList());
    }

    /** The sequences of a rank, in their order. */
    private static TokenBatch share(TokenBatch batch, StepShares shares, int rank) {
        int[] rows = IntStream.range(0, batch.rows())
                .filter(row -> shares.rank(row) == rank)
                .toArray();
        int columns = batch.columns();
        return new TokenBatch(
                Arrays.stream(rows)
                        .flatMap(row -> Arrays.stream(batch.tokens(), row * columns, (row + 1) * columns))
                        .toArray(),
                Arrays.stream(rows)
                        .flatMap(row -> Arrays.stream(batch.targets(), row * columns, (row + 1) * columns))
                        .toArray(),
                rows.length,
                columns);
    }

    /** Losses and routing of all steps, and the parameters after the last one. */
    private record Run(List<TrainStep.Result> results, float[] parameters) {
        double[] losses() {
            return results.stream().mapToDouble(result -> result.loss().total()).toArray();
        }

        List<Integer> dropped() {
            return results.stream()
                    .map(result -> result.routing().values().stream()
                            .mapToInt(TrainStep.Routing::dropped)
                            .sum())
                    .toList();
        }
    }

    private static MultiLayerNetwork network(ModelConfig config, int microBatch) throws IOException {
        return SmoeNetwork.create(
                config, UPDATER, WeightArrays.of(config, WeightArrays.initial(config, 5)), microBatch);
    }

    private static float[] parameters(MultiLayerNetwork network) {
        return network.params().dup('c').data().asFloat();
    }

    private static Run alone(ModelConfig config, int microBatch, int steps) throws IOException {
        MultiLayerNetwork network = network(config, microBatch);
        var step = new NetworkStep(network);
        var results = new ArrayList<TrainStep.Result>();
        for (int i = 0; i < steps; i++) {
            results.add(step.take(batch(i)));
        }
        SmoeNetwork.layer(network).release();
        return new Run(results, parameters(network));
    }

    /** What a rank does with its network. */
    private interface Work<T> {
        T of(MultiLayerNetwork network, Collectives ranks) throws Exception;
    }

    private static <T> List<T> onRanks(ModelConfig config, StepShares shares, Work<T> work) throws Exception {
        List<Collectives> ranks = Loopback.ranks(shares.ranks(), Duration.ofSeconds(60));
        var threads = Executors.newFixedThreadPool(shares.ranks());
        try {
            List<Callable<T>> calls = ranks.stream()
                    .<Callable<T>>map(rank -> () -> {
                        MultiLayerNetwork network = network(config, shares.microBatch());
                        SmoeNetwork.join(network, rank, shares, shares.ranks() * (1 + rank.rank() % 2));
                        return work.of(network, rank);
                    })
                    .toList();
            var results = new ArrayList<T>();
            for (Future<T> future : threads.invokeAll(calls)) {
                results.add(future.get());
            }
            return results;
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        } finally {
            threads.shutdownNow();
        }
    }

    private static Run together(ModelConfig config, StepShares shares, int steps) throws Exception {
        List<Run> runs = onRanks(config, shares, (network, ranks) -> {
            var step = new RankStep(network);
            var results = new ArrayList<TrainStep.Result>();
            for (int i = 0; i < steps; i++) {
                results.add(step.take(share(batch(i), shares, ranks.rank())));
            }
            step.requireEqualParameters();
            step.release();
            return new Run(results, parameters(network));
        });
        for (Run run : runs) {
            assertThat(run.parameters()).isEqualTo(runs.get(0).parameters());
            assertThat(run.losses()).containsExactly(runs.get(0).losses());
            assertThat(run.dropped()).isEqualTo(runs.get(0).dropped());
        }
        return runs.get(0);
    }

    static Stream<Arguments> models() {
        var mapped = new MoeLayer(3, List.of(0, 1, 1, 0, 2, -2, -2, 2));
        return Stream.of(
                Arguments.of("top-1", config(1, 0)),
                Arguments.of("top-2", config(2, 0)),
                Arguments.of("top-1 with a capacity", config(1, 1.1)),
                Arguments.of("top-2 with a capacity", config(2, 1.1)),
                Arguments.of(
                        "top-2, mapped", config(2, 0.8).withMoeLayers(new TreeMap<>(Map.of(1, mapped, 3, mapped)))),
                Arguments.of("dense", config(new MoeConfig(0, 1, 2, false, 0, 0))));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("models")
    void lossesDoNotDependOnTheNumberOfRanks(String name, ModelConfig config) throws Exception {
        Run alone = alone(config, 0, STEPS);
        long clipped = alone.results().stream()
                .filter(result -> result.gradientNorm() > 0.7)
                .count();
        assertThat(clipped).as("clipped steps").isBetween(20L, (long) STEPS);
        assertThat(alone.losses()[STEPS - 1]).isLessThan(0.8 * alone.losses()[0]);
        for (int ranks = 1; ranks <= 4; ranks++) {
            Run together = together(config, new StepShares(BATCH, ranks, BATCH), STEPS);
            for (int i = 0; i < STEPS; i++) {
                TrainStep.Result one = alone.results().get(i);
                TrainStep.Result many = together.results().get(i);
                String what = name + ", " + ranks + " ranks, step " + (i + 1);
                assertThat(many.loss().total())
                        .as(what)
                        .isCloseTo(one.loss().total(), within(1e-5 * one.loss().total()));
                assertThat(many.loss().predicted()).isEqualTo(one.loss().predicted());
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

    @Test
    void twoRunsOfTheSameRanksHaveTheSameBits() throws Exception {
        ModelConfig config = config(2, 1.1);
        var shares = new StepShares(BATCH, 3, 2);
        Run one = together(config, shares, 40);
        Run other = together(config, shares, 40);
        assertThat(one.losses()).containsExactly(other.losses());
        assertThat(one.parameters()).isEqualTo(other.parameters());
    }

    @Test
    void momentsAreThoseOfTheSliceAlone() throws Exception {
        ModelConfig config = config(2, 0);
        MultiLayerNetwork alone = network(config, 0);
        new NetworkStep(alone).take(batch(0));
        var shares = new StepShares(BATCH, 3, BATCH);
        List<float[]> moments = onRanks(config, shares, (network, ranks) -> {
            var step = new RankStep(network);
            step.take(share(batch(0), shares, ranks.rank()));
            step.release();
            assertThat(network.getUpdater().getStateViewArray().length())
                    .isEqualTo(2 * SmoeNetwork.moments(network).length())
                    .isLessThan(network.numParams());
            return values(SmoeNetwork.moments(network));
        });
        float[] expected = values(SmoeNetwork.moments(alone));
        int at = 0;
        for (float[] slice : moments) {
            for (float value : slice) {
                assertThat(value).isCloseTo(expected[at++], within(1e-6f));
            }
        }
        assertThat(at).isEqualTo(expected.length);
    }

    private static float[] values(FlatMoments moments) throws IOException {
        float[] all = new float[(int) moments.length()];
        moments.read(FlatMoments.FIRST, (values, count, at) -> System.arraycopy(values, 0, all, at, count));
        return all;
    }

    @Test
    void aModelThatCannotRouteGivesAFaultOnEveryRank() throws Exception {
        ModelConfig config = config(1, 0);
        var shares = new StepShares(BATCH, 3, BATCH);
        List<TrainStep.Result> results = onRanks(config, shares, (network, ranks) -> {
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
        List<String> messages = onRanks(config, shares, (network, ranks) -> {
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

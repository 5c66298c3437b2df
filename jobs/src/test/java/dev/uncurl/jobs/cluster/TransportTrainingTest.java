package dev.uncurl.jobs.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.collective.Collectives;
import dev.uncurl.collective.Crew;
import dev.uncurl.collective.Loopback;
import dev.uncurl.dl4j.FusedAdamW;
import dev.uncurl.dl4j.RankStep;
import dev.uncurl.dl4j.SmoeNetwork;
import dev.uncurl.dl4j.StepShares;
import dev.uncurl.exchange.NcclChoice;
import dev.uncurl.model.ModelInitialization;
import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.spec.ExpertShare;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.processor.Processor;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Training over Spark's transport: tokens go to the ranks of their experts, and gradients of experts of which the backward pass has
 * done leave in a thread of their own, over the same connections.
 */
@Tag("slow")
class TransportTrainingTest {
    private static final int RANKS = 4;
    private static final int PARTS = 2;
    private static final int STEPS = 25;
    private static final Duration DEADLINE = Duration.ofSeconds(60);
    private static final ModelConfig MODEL =
            new ModelConfig(4, 32, 2, 64, 64, 16, new MoeConfig(8, 2, 2, true, 0.01, 0.001, 1.1));

    /** @param parameters that the rank holds */
    private record Run(double[] losses, float[] parameters) {}

    @Test
    void ranksHaveTheBitsOfThreads() {
        List<Run> threads = Crew.run(Loopback.ranks(RANKS, DEADLINE), TransportTrainingTest::train);
        List<Run> wires = Crew.run(
                LocalWires.connected(LocalWires.conf(Map.of()), Optional.empty(), RANKS, DEADLINE).stream()
                        .map(SparkTransport::over)
                        .toList(),
                TransportTrainingTest::train);
        for (int rank = 0; rank < RANKS; rank++) {
            assertThat(wires.get(rank).losses()).containsExactly(threads.get(0).losses());
            assertThat(wires.get(rank).parameters()).isEqualTo(threads.get(rank).parameters());
        }
        double[] losses = wires.get(0).losses();
        assertThat(losses[STEPS - 1]).isLessThan(losses[0]);
    }

    private static Run train(Collectives ranks) throws Exception {
        var shares = new StepShares(2 * RANKS, RANKS, 1);
        MultiLayerNetwork network = SmoeNetwork.create(
                SmoeNetwork.withoutArrays(MODEL, new FusedAdamW(1e-3).withMaximumGradientNorm(1), shares.microBatch())
                        .getLayerWiseConfigurations(),
                ModelInitialization.of(MODEL, 3),
                ExpertShare.of(ranks.rank(), PARTS));
        SmoeNetwork.join(network, ranks, shares, Processor.cpu("test"), RANKS, NcclChoice.OFF, Duration.ZERO);
        var step = new RankStep(network);
        double[] losses = new double[STEPS];
        for (int i = 0; i < STEPS; i++) {
            losses[i] = step.take(share(i, shares, ranks.rank())).loss().total();
        }
        step.requireEqualParameters();
        step.release();
        return new Run(losses, network.params().dup('c').data().asFloat());
    }

    /** Sequences that count. */
    private static TokenBatch share(int step, StepShares shares, int rank) {
        return TokenBatch.ofSequences(IntStream.range(0, shares.batch())
                .filter(sequence -> shares.rank(sequence) == rank)
                .mapToObj(sequence -> {
                    int[] row = new int[MODEL.sequenceLength()];
                    int first = new Random((long) step * shares.batch() + sequence).nextInt(MODEL.vocabulary());
                    Arrays.setAll(row, i -> (first + i) % MODEL.vocabulary());
                    return row;
                })
                .toList());
    }
}

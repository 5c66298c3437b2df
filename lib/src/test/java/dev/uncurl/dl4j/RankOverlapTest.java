package dev.uncurl.dl4j;

import static dev.uncurl.dl4j.RankTraining.BATCH;
import static dev.uncurl.dl4j.RankTraining.alone;
import static dev.uncurl.dl4j.RankTraining.batch;
import static dev.uncurl.dl4j.RankTraining.config;
import static dev.uncurl.dl4j.RankTraining.network;
import static dev.uncurl.dl4j.RankTraining.onRanks;
import static dev.uncurl.dl4j.RankTraining.parameters;
import static dev.uncurl.dl4j.RankTraining.share;
import static dev.uncurl.dl4j.RankTraining.whole;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.dl4j.RankTraining.Run;
import dev.uncurl.model.FlatMoments;
import dev.uncurl.model.TrainStep;
import dev.uncurl.model.spec.ElementRange;
import dev.uncurl.model.spec.ModelConfig;
import java.util.ArrayList;
import java.util.List;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Ranks that exchange gradients by sections while the backward pass goes on. */
@Tag("slow")
class RankOverlapTest {
    private static final int STEPS = 30;

    /** About a block of the model without its experts. */
    private static final long BUCKET = 9000;

    private static Run together(StepShares shares, int parts, long bucket, boolean beside) throws Exception {
        ModelConfig config = config(2, 1.1);
        List<Run> runs = onRanks(config, shares, parts, bucket, (network, ranks) -> {
            var step = new RankStep(network, beside);
            var results = new ArrayList<TrainStep.Result>();
            for (int i = 0; i < STEPS; i++) {
                results.add(step.take(share(batch(i), shares, ranks.rank())));
            }
            step.requireEqualParameters();
            assertThat(step.exchangeNanos()).isPositive();
            assertThat(step.waitNanos()).isNotNegative();
            step.release();
            return new Run(results, parameters(network));
        });
        return new Run(
                runs.get(0).results(),
                whole(config, runs.stream().map(Run::parameters).toList(), parts));
    }

    /** The oracle exchanges the same sections after the pass, in the thread that computes. */
    @ParameterizedTest
    @CsvSource({"2, 1, 12", "3, 1, 2", "4, 2, 1", "4, 4, 3", "5, 1, 1"})
    void gradientsThatLeaveEarlyHaveTheSameBits(int ranks, int parts, int microBatch) throws Exception {
        var shares = new StepShares(BATCH, ranks, microBatch);
        Run after = together(shares, parts, BUCKET, false);
        Run beside = together(shares, parts, BUCKET, true);
        assertThat(beside.losses()).containsExactly(after.losses());
        assertThat(beside.results().stream().mapToDouble(TrainStep.Result::gradientNorm))
                .containsExactlyElementsOf(after.results().stream()
                        .map(TrainStep.Result::gradientNorm)
                        .toList());
        assertThat(beside.parameters()).isEqualTo(after.parameters());
    }

    /** Sections decide which rank updates a parameter, and so the order in which the squares of gradients are added. */
    @Test
    void sectionsOfAnySizeGiveTheSameLosses() throws Exception {
        var shares = new StepShares(BATCH, 3, 2);
        Run alone = alone(config(2, 1.1), 6, STEPS);
        Run whole = together(shares, 1, Long.MAX_VALUE, true);
        for (long bucket : new long[] {1, BUCKET, 40_000}) {
            Run run = together(shares, 1, bucket, true);
            for (int i = 0; i < STEPS; i++) {
                double norm = whole.results().get(i).gradientNorm();
                assertThat(run.results().get(i).gradientNorm()).isCloseTo(norm, within(1e-6 * norm));
                assertThat(run.losses()[i]).isCloseTo(whole.losses()[i], within(1e-6 * whole.losses()[i]));
                assertThat(run.losses()[i]).isCloseTo(alone.losses()[i], within(1e-5 * alone.losses()[i]));
            }
        }
    }

    /** Each rank has a slice of each section; a network that trains alone has all moments. */
    @Test
    void momentsAreThoseOfTheSlicesOfAllSections() throws Exception {
        ModelConfig config = config(2, 0);
        MultiLayerNetwork alone = network(config, 0);
        new NetworkStep(alone).take(batch(0));
        float[] expected = RankTraining.values(SmoeNetwork.moments(alone));
        var shares = new StepShares(BATCH, 4, BATCH);
        int[] times = new int[expected.length];
        for (int parts : new int[] {1, 2}) {
            onRanks(config, shares, parts, BUCKET, (network, ranks) -> {
                var step = new RankStep(network);
                step.take(share(batch(0), shares, ranks.rank()));
                step.release();
                List<ElementRange> updated = SmoeNetwork.updated(network);
                assertThat(updated).hasSizeGreaterThan(parts);
                FlatMoments moments = SmoeNetwork.moments(network);
                float[] own = RankTraining.values(moments);
                int at = 0;
                for (ElementRange range : updated) {
                    for (long i = range.from(); i < range.to(); i++) {
                        assertThat(own[at++]).isCloseTo(expected[(int) i], within(1e-6f));
                        synchronized (times) {
                            times[(int) i]++;
                        }
                    }
                }
                assertThat(at).isEqualTo(own.length);
                return null;
            });
        }
        assertThat(times).containsOnly(2);
    }

    @Test
    void aModelThatCannotRouteGivesAFaultOnEveryRank() throws Exception {
        var shares = new StepShares(BATCH, 3, BATCH);
        List<TrainStep.Result> results = onRanks(config(1, 0), shares, 1, BUCKET, (network, ranks) -> {
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
    }
}

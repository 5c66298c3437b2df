package dev.uncurl.dl4j;

import static dev.uncurl.dl4j.RankTraining.BATCH;
import static dev.uncurl.dl4j.RankTraining.batch;
import static dev.uncurl.dl4j.RankTraining.config;
import static dev.uncurl.dl4j.RankTraining.onRanks;
import static dev.uncurl.dl4j.RankTraining.share;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.error.UserError;
import dev.uncurl.model.TrainStep;
import dev.uncurl.model.spec.ElementRange;
import dev.uncurl.model.spec.ExpertShare;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Ranks that divide the experts: what each holds and updates, and rows that go to the rank of their expert. */
@Tag("slow")
class DividedStepTest {
    @Test
    void aRankHoldsItsExpertsAndUpdatesEachParameterOnce() throws Exception {
        ModelConfig config = config(2, 0);
        ParameterLayout whole = ParameterLayout.of(config);
        var shares = new StepShares(BATCH, 4, BATCH);
        List<List<ElementRange>> updated = onRanks(config, shares, 2, (network, ranks) -> {
            var step = new RankStep(network);
            step.take(share(batch(0), shares, ranks.rank()));
            step.release();
            assertThat(network.numParams())
                    .isEqualTo(ParameterLayout.of(config, ExpertShare.of(ranks.rank(), 2))
                            .length())
                    .isLessThan(whole.length());
            assertThat(SmoeNetwork.moments(network).length())
                    .isEqualTo(SmoeNetwork.updated(network).stream()
                            .mapToLong(ElementRange::length)
                            .sum());
            return SmoeNetwork.updated(network);
        });
        int[] times = new int[(int) whole.length()];
        updated.stream()
                .flatMap(List::stream)
                .flatMapToLong(range -> LongStream.range(range.from(), range.to()))
                .forEach(parameter -> times[(int) parameter]++);
        assertThat(times).containsOnly(1);
    }

    /** Experts of a rank differ from those of its replica. */
    @Test
    void aReplicaOfExpertsThatDiffersIsNamed() throws Exception {
        ModelConfig config = config(1, 0);
        var shares = new StepShares(BATCH, 6, BATCH);
        List<String> messages = onRanks(config, shares, 2, (network, ranks) -> {
            var step = new RankStep(network);
            step.requireEqualParameters();
            if (ranks.rank() == 3) {
                long last = network.numParams() - 1;
                network.params().putScalar(last, Math.nextUp(network.params().getFloat(last)));
            }
            return catchThrowableOfType(step::requireEqualParameters, UserError.class)
                    .getMessage();
        });
        assertThat(messages).allMatch(message -> message.contains("The parameters of rank 3 differ"));
    }

    /** All tokens go to the experts of one rank of a group, whose memory then grows. */
    @Test
    void aRankThatGetsAllTokensComputesThem() throws Exception {
        ModelConfig config = config(1, 0);
        List<Double> expected = List.of();
        for (int parts : new int[] {1, 2, 4}) {
            var shares = new StepShares(BATCH, 4, BATCH);
            List<TrainStep.Result> results = onRanks(config, shares, parts, (network, ranks) -> {
                collapse(network);
                var step = new RankStep(network);
                TrainStep.Result result = step.take(share(batch(0), shares, ranks.rank()));
                step.release();
                return result;
            });
            TrainStep.Result result = results.get(0);
            int[] tokens = result.routing().get(1).tokens();
            assertThat(tokens[0]).isEqualTo(Arrays.stream(tokens).sum()).isPositive();
            double loss = expected.isEmpty() ? result.loss().total() : expected.get(0);
            double norm = expected.isEmpty() ? result.gradientNorm() : expected.get(1);
            assertThat(result.loss().total()).isCloseTo(loss, within(1e-6 * loss));
            assertThat(result.gradientNorm()).isCloseTo(norm, within(1e-5 * norm));
            expected = List.of(loss, norm);
        }
    }

    /** Zero routers: all logits are equal, and ties go to expert 0. */
    private static void collapse(MultiLayerNetwork network) {
        for (int layer : new int[] {1, 3}) {
            var router = SmoeNetwork.layout(network).tensor(ParameterLayout.router(layer));
            network.params()
                    .get(NDArrayIndex.all(), NDArrayIndex.interval(router.offset(), router.offset() + router.length()))
                    .assign(0);
        }
    }

    @Test
    void aNetworkThatHoldsThePartOfAnotherRankIsRefused() {
        ModelConfig config = config(1, 0);
        var shares = new StepShares(BATCH, 3, BATCH);
        assertThatThrownBy(() -> onRanks(config, shares, 2, (network, ranks) -> null))
                .hasMessageContaining("of 3 cannot hold part");
    }
}

package dev.uncurl.dl4j;

import static dev.uncurl.dl4j.SmoeNetworkTest.CONFIG;
import static dev.uncurl.dl4j.SmoeNetworkTest.UPDATER;
import static dev.uncurl.dl4j.SmoeNetworkTest.counting;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.model.Loss;
import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.WeightArrays;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;

/** Gradients of a batch that a network computes in parts. */
class MicroBatchesTest {
    /** The parts differ in predicted tokens, so that a mean of their means would be another loss. */
    @Test
    void lossAndGradientOfMicroBatchesAreThoseOfTheWholeBatch() throws IOException {
        var plain = new ModelConfig(2, 16, 2, 24, 19, 8, new MoeConfig(4, 2, 2, true, 0, 0));
        float[] weights = WeightArrays.initial(plain, 5);
        var batch = counting(7, new Random(4));
        var whole = gradient(plain, weights, batch, 0);
        double largest = Arrays.stream(whole.gradient()).map(Math::abs).max().getAsDouble();
        for (int rows : new int[] {1, 2, 3, 6, 7, 100}) {
            var parts = gradient(plain, weights, batch, rows);
            assertThat(parts.loss().crossEntropy()).isCloseTo(whole.loss().crossEntropy(), within(1e-6));
            assertThat(parts.loss().predicted()).isEqualTo(whole.loss().predicted());
            assertThat(parts.expertTokens()).isEqualTo(whole.expertTokens());
            assertThat(parts.positions()).isEqualTo(Math.min(rows, 7) * batch.columns());
            for (int i = 0; i < whole.gradient().length; i++) {
                assertThat(parts.gradient()[i]).isCloseTo(whole.gradient()[i], within(1e-5 * largest));
            }
        }
    }

    @Test
    void theBalanceLossOfMicroBatchesIsTheirMeanByPredictedTokens() throws IOException {
        float[] weights = WeightArrays.initial(CONFIG, 5);
        var batch = TokenBatch.ofSequences(List.of(new int[] {1, 2, 3, 4, 5, 6, 7}, new int[] {8, 9, 10}));
        var both = gradient(CONFIG, weights, batch, 1);
        var first = gradient(CONFIG, weights, TokenBatch.ofSequences(List.of(new int[] {1, 2, 3, 4, 5, 6, 7})), 0);
        var second = gradient(CONFIG, weights, TokenBatch.ofSequences(List.of(new int[] {8, 9, 10})), 0);
        assertThat(both.loss().total())
                .isCloseTo(0.75 * first.loss().total() + 0.25 * second.loss().total(), within(1e-6));
        assertThat(both.loss().balance())
                .isCloseTo(0.75 * first.loss().balance() + 0.25 * second.loss().balance(), within(1e-6));
        for (int i = 0; i < both.gradient().length; i++) {
            assertThat(both.gradient()[i])
                    .isCloseTo(0.75 * first.gradient()[i] + 0.25 * second.gradient()[i], within(1e-6));
        }
    }

    private record Pass(Loss loss, double[] gradient, List<Integer> expertTokens, int positions) {}

    private static Pass gradient(ModelConfig config, float[] weights, TokenBatch batch, int microBatch)
            throws IOException {
        var network = SmoeNetwork.create(config, UPDATER, WeightArrays.of(config, weights), microBatch);
        var data = SmoeNetwork.dataSet(batch);
        network.setInput(data.getFeatures());
        network.setLabels(data.getLabels());
        network.computeGradientAndScore();
        SmoeOutputLayer layer = SmoeNetwork.layer(network);
        double[] gradient =
                network.getFlattenedGradients().castTo(DataType.DOUBLE).data().asDouble();
        return new Pass(
                layer.last().loss(),
                gradient,
                Arrays.stream(layer.last().routing().get(1).tokens()).boxed().toList(),
                layer.model().maxTokens());
    }
}

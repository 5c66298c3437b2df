package dev.uncurl.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.kernel.vector.VectorKernels;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** On a model large enough that its work is cut into pieces. */
class ThreadsTest {
    private static final ModelConfig CONFIG =
            new ModelConfig(2, 64, 4, 256, 700, 64, new MoeConfig(5, 2, 2, true, 0.01, 0.001));

    private record Result(
            Loss training, float[] gradients, Loss scoring, float[] logProbabilities, List<List<Double>> outputs) {}

    private static TokenBatch batch(int rows) {
        var random = new Random(1);
        int[] tokens = random.ints(rows * 64L, 0, 700).toArray();
        int[] targets = random.ints(rows * 64L, 0, 700).toArray();
        return new TokenBatch(tokens, targets, rows, 64);
    }

    private static INDArray parameters() {
        return Nd4j.createFromArray(WeightArrays.initial(CONFIG, 1));
    }

    private static Result run(int threads) {
        INDArray parameters = parameters();
        INDArray gradients = parameters.ulike().assign(Double.NaN);
        try (var kernels = new VectorKernels(threads);
                var model = SmoeLanguageModel.forTraining(kernels, CONFIG, parameters, gradients, 8 * 64)) {
            Loss training = model.forwardBackward(batch(8));
            var outputs = new ArrayList<List<Double>>();
            Loss scoring = model.forward(
                    batch(8),
                    (layer, expert, sum) ->
                            outputs.add(Arrays.stream(sum).boxed().toList()));
            return new Result(training, gradients.data().asFloat(), scoring, model.targetLogProbabilities(), outputs);
        }
    }

    @Test
    void anyNumberOfThreadsGivesTheSameBitsEveryTime() {
        var one = run(1);
        for (int threads : new int[] {1, 2, 2, 3, 3, 5}) {
            var several = run(threads);
            assertThat(several.training()).isEqualTo(one.training());
            assertThat(several.gradients()).as("%d threads", threads).isEqualTo(one.gradients());
            assertThat(several.scoring()).isEqualTo(one.scoring());
            assertThat(several.outputs()).isEqualTo(one.outputs()).hasSize(5);
            assertThat(several.logProbabilities()).isEqualTo(one.logProbabilities());
        }
    }
}

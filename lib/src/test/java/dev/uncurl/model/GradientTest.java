package dev.uncurl.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.nd4j.Nd4jKernels;
import dev.uncurl.kernel.vector.VectorKernels;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeLayer;
import dev.uncurl.model.spec.ParameterLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

@Tag("slow")
class GradientTest {
    static Stream<ModelConfig> configs() {
        return Stream.of(
                Models.dense(),
                Models.config(1, 1, false),
                Models.config(5, 1, false),
                Models.config(5, 2, false),
                Models.config(5, 2, true),
                Models.config(5, 1, false, 0.7),
                Models.config(5, 2, false, 0.7),
                Models.config(5, 2, true, 0.7),
                Models.mapped(1, false, 0),
                Models.mapped(2, false, 0),
                Models.mapped(3, true, 0.3),
                Models.byLayer(2, false, 0.4, new MoeLayer(1), new MoeLayer(3, List.of(2, 0, 1, 1))),
                Models.masked(1, false, 0),
                Models.masked(2, false, 0),
                Models.masked(2, true, 0),
                Models.masked(3, true, 0.3),
                Models.byLayer(2, true, 0, new MoeLayer(1, List.of(-1, 0)), new MoeLayer(2, List.of(1, -1, 0, 1))),
                Models.zeroed(1, false, 0),
                Models.zeroed(2, false, 0),
                Models.zeroed(2, true, 0),
                Models.zeroed(3, true, 0.3),
                Models.byLayer(2, true, 0, new MoeLayer(1, List.of(-2, 0)), new MoeLayer(2, List.of(1, -2, 0, 1))));
    }

    private record Pass(Loss loss, double[] gradients) {}

    private static Pass pass(Kernels kernels, ModelConfig config, INDArray parameters, TokenBatch batch) {
        INDArray gradients = parameters.ulike().assign(Double.NaN);
        try (var model = SmoeLanguageModel.forTraining(kernels, config, parameters, gradients, 64)) {
            return new Pass(model.forwardBackward(batch), Models.read(gradients));
        }
    }

    /** Weights of balance loss and z-loss. */
    private static final double[][] WEIGHTS = {{0, 0}, {0.3, 0}, {0, 0.2}, {0.03, 0.02}};

    /**
     * Plain kernels in double precision, along a random direction through all elements of each tensor. The terms of the
     * loss are differenced one by one, so that the same differences serve every weighting of them.
     */
    @ParameterizedTest
    @MethodSource("configs")
    void finiteDifferencesAgreeWithTheGradientOfEveryTensor(ModelConfig config) {
        var batch = Models.batch(2, 7, 1);
        double[] values = Models.parameters(config, 2);
        INDArray parameters = Models.array(values, DataType.DOUBLE);
        var gradients = Stream.of(WEIGHTS)
                .map(weights -> pass(
                                new Nd4jKernels(), Models.weighted(config, weights[0], weights[1]), parameters, batch)
                        .gradients())
                .toList();
        var random = new Random(3);
        double step = 1e-5;
        try (var model = SmoeLanguageModel.forTraining(config, parameters, parameters.ulike(), 64)) {
            for (var tensor : ParameterLayout.of(config).tensors()) {
                double[] direction = random.doubles(tensor.length(), -1, 1).toArray();
                move(parameters, tensor, values, direction, step);
                Loss above = loss(model, batch);
                move(parameters, tensor, values, direction, -step);
                Loss below = loss(model, batch);
                move(parameters, tensor, values, direction, 0);
                for (int w = 0; w < WEIGHTS.length; w++) {
                    double slope = slope(tensor, direction, gradients.get(w));
                    double difference = above.crossEntropy()
                            - below.crossEntropy()
                            + WEIGHTS[w][0] * (above.balance() - below.balance())
                            + WEIGHTS[w][1] * (above.z() - below.z());
                    assertThat(difference / (2 * step))
                            .as("%s with weights %s", tensor.name(), Arrays.toString(WEIGHTS[w]))
                            .isCloseTo(slope, within(1e-7 + 1e-6 * Math.abs(slope)));
                }
            }
            assertThat(loss(model, batch).total()).isFinite();
            assertThat(IntStream.of(config.moeLayers())
                            .anyMatch(layer -> model.routing(layer).droppedAssignments() > 0))
                    .isEqualTo(config.moe().capacityFactor() > 0);
        }
    }

    /** With a capacity only a training pass computes the loss that the gradient is of. */
    private static Loss loss(SmoeLanguageModel model, TokenBatch batch) {
        return model.config().moe().capacityFactor() > 0 ? model.forwardBackward(batch) : model.forward(batch);
    }

    private static double slope(ParameterLayout.Tensor tensor, double[] direction, double[] gradients) {
        double slope = 0;
        for (int i = 0; i < direction.length; i++) {
            slope += direction[i] * gradients[(int) tensor.offset() + i];
        }
        return slope;
    }

    private static void move(
            INDArray parameters, ParameterLayout.Tensor tensor, double[] values, double[] direction, double step) {
        for (int i = 0; i < direction.length; i++) {
            long at = tensor.offset() + i;
            parameters.putScalar(at, values[(int) at] + step * direction[i]);
        }
    }

    @ParameterizedTest
    @MethodSource("configs")
    void fusedKernelsGiveTheGradientOfTheOracle(ModelConfig config) {
        for (var shape : List.of(new int[] {3, 7}, new int[] {1, 1}, new int[] {4, 9})) {
            var batch = Models.batch(shape[0], shape[1], 4);
            double[] values = Models.parameters(config, 5);
            var plain = pass(new Nd4jKernels(), config, Models.array(values, DataType.DOUBLE), batch);
            var fused = pass(new VectorKernels(), config, Models.array(values, DataType.FLOAT), batch);
            assertThat(Math.abs(fused.loss().total() - plain.loss().total())).isLessThan(1e-5);
            for (int i = 0; i < values.length; i++) {
                assertThat(Math.abs(fused.gradients()[i] - plain.gradients()[i]))
                        .as("parameter %d", i)
                        .isLessThan(2e-5 * Math.max(1, Math.abs(plain.gradients()[i])));
            }
        }
    }
}

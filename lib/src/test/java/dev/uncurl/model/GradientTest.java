package dev.uncurl.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.config.ModelConfig;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Nd4jKernels;
import dev.uncurl.kernel.VectorKernels;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

class GradientTest {
    static Stream<ModelConfig> configs() {
        return Stream.of(
                Models.dense(),
                Models.config(1, 1, false),
                Models.config(5, 1, false),
                Models.config(5, 2, false),
                Models.config(5, 2, true));
    }

    private record Pass(Loss loss, double[] gradients) {}

    private static Pass pass(Kernels kernels, ModelConfig config, INDArray parameters, TokenBatch batch) {
        INDArray gradients = parameters.ulike().assign(Double.NaN);
        try (var model = SmoeLanguageModel.forTraining(kernels, config, parameters, gradients, 64)) {
            return new Pass(model.forwardBackward(batch), Models.read(gradients));
        }
    }

    /** Plain kernels in double precision, along a random direction through all elements of each tensor. */
    @ParameterizedTest
    @MethodSource("configs")
    void finiteDifferencesAgreeWithTheGradientOfEveryTensor(ModelConfig config) {
        var batch = Models.batch(3, 7, 1);
        double[] values = Models.parameters(config, 2);
        double[] gradients = pass(new Nd4jKernels(), config, Models.array(values, DataType.DOUBLE), batch)
                .gradients();
        INDArray parameters = Models.array(values, DataType.DOUBLE);
        var random = new Random(3);
        double step = 1e-5;
        try (var model = SmoeLanguageModel.forScoring(config, parameters, 64)) {
            for (var tensor : ParameterLayout.of(config).tensors()) {
                double[] direction = random.doubles(tensor.length(), -1, 1).toArray();
                double slope = 0;
                for (int i = 0; i < direction.length; i++) {
                    slope += direction[i] * gradients[(int) tensor.offset() + i];
                }
                move(parameters, tensor, values, direction, step);
                double above = model.forward(batch).total();
                move(parameters, tensor, values, direction, -step);
                double below = model.forward(batch).total();
                move(parameters, tensor, values, direction, 0);
                assertThat((above - below) / (2 * step))
                        .as(tensor.name())
                        .isCloseTo(slope, within(1e-7 + 1e-6 * Math.abs(slope)));
            }
        }
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

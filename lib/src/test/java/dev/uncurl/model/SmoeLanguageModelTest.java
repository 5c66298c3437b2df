package dev.uncurl.model;

import static dev.uncurl.model.Models.train;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.kernel.KernelChoice;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

class SmoeLanguageModelTest {
    static Stream<ModelConfig> configs() {
        return GradientTest.configs();
    }

    private static SmoeLanguageModel scorer(ModelConfig config, double[] parameters) {
        return SmoeLanguageModel.forScoring(config, Models.array(parameters, DataType.FLOAT), 80);
    }

    @ParameterizedTest
    @MethodSource("configs")
    void lossAndLogProbabilitiesAreThoseOfTheFormulas(ModelConfig config) {
        double[] parameters = Models.parameters(config, 1);
        var batch = Models.batch(4, 9, 2);
        var naive = new NaiveModel(config, parameters, batch.size(), false);
        double expected = naive.loss(batch);
        try (var model = scorer(config, parameters)) {
            Loss loss = model.forward(batch);
            assertThat(loss.total()).isCloseTo(expected, within(1e-5));
            assertThat(loss.balance()).isCloseTo(naive.balance, within(1e-5));
            assertThat(loss.z()).isCloseTo(naive.z, within(1e-4));
            assertThat(loss.predicted()).isEqualTo(batch.predicted());
            float[] logProbabilities = model.targetLogProbabilities();
            for (int i = 0; i < batch.size(); i++) {
                assertThat((double) logProbabilities[i]).isCloseTo(naive.logProbabilities[i], within(5e-5));
            }
        }
        var inTraining = new NaiveModel(config, parameters, batch.size(), true);
        var trained = train(config, parameters, batch);
        assertThat(trained.loss().total()).isCloseTo(inTraining.loss(batch), within(1e-5));
        assertThat(trained.dropped()).isEqualTo(inTraining.dropped);
        assertThat(trained.dropped() > 0).isEqualTo(config.moe().capacityFactor() > 0);
        for (int i = 0; i < batch.size(); i++) {
            assertThat((double) trained.logProbabilities()[i]).isCloseTo(inTraining.logProbabilities[i], within(5e-5));
        }
    }

    @ParameterizedTest
    @MethodSource("configs")
    void outputsOfAllExpertsAreThoseOfTheFormulasAndDisturbNothing(ModelConfig config) {
        double[] parameters = Models.parameters(config, 1);
        var batch = Models.batch(4, 9, 2);
        var naive = new NaiveModel(config, parameters, batch.size(), false);
        naive.outputSums = new TreeMap<>();
        naive.loss(batch);
        var sums = new TreeMap<Integer, double[][]>();
        try (var model = scorer(config, parameters)) {
            Loss expected = model.forward(batch);
            float[] logProbabilities = model.targetLogProbabilities();
            Loss loss = model.forward(
                    batch,
                    (layer, expert, sum) -> sums.computeIfAbsent(
                                    layer, l -> new double[model.routing(l).experts()][])[expert] = sum);
            assertThat(loss).isEqualTo(expected);
            assertThat(model.targetLogProbabilities()).isEqualTo(logProbabilities);
        }
        assertThat(sums.keySet()).isEqualTo(naive.outputSums.keySet());
        sums.forEach((layer, outputs) -> {
            for (int expert = 0; expert < outputs.length; expert++) {
                assertThat(outputs[expert]).containsExactly(naive.outputSums.get(layer)[expert], within(5e-4));
            }
        });
    }

    @ParameterizedTest
    @MethodSource("configs")
    void theSameInputGivesTheSameBitsAlsoAfterOtherBatches(ModelConfig config) {
        INDArray parameters = Models.array(Models.parameters(config, 1), DataType.FLOAT);
        INDArray gradients = parameters.ulike();
        var batch = Models.batch(4, 9, 2);
        try (var model = SmoeLanguageModel.forTraining(config, parameters, gradients, 80)) {
            Loss first = model.forwardBackward(batch);
            double[] expected = Models.read(gradients);
            for (int i = 0; i < 200; i++) {
                model.forwardBackward(Models.batch(1 + i % 8, 1 + i % 9, i));
            }
            assertThat(model.forwardBackward(batch)).isEqualTo(first);
            assertThat(Models.read(gradients)).isEqualTo(expected);
        }
    }

    /** Kernels whose scratch memory is full of NaN. @param filled counts its elements */
    private static Kernels withNaN(Kernels kernels, AtomicLong filled) {
        return (Kernels) Proxy.newProxyInstance(
                Kernels.class.getClassLoader(), new Class<?>[] {Kernels.class}, (proxy, method, arguments) -> {
                    Object result = method.invoke(kernels, arguments);
                    if (method.getName().equals("scratch")) {
                        FlatMemory memory = (FlatMemory) result;
                        var values = new float[Math.toIntExact(memory.length())];
                        Arrays.fill(values, Float.NaN);
                        memory.write(0, values, values.length);
                        filled.addAndGet(values.length);
                    }
                    return result;
                });
    }

    @ParameterizedTest
    @MethodSource("configs")
    void whateverItsBuffersHoldAtFirstChangesNothing(ModelConfig config) {
        INDArray parameters = Models.array(Models.parameters(config, 1), DataType.FLOAT);
        var batch = Models.batch(4, 9, 2);
        Models.Trained expected = train(config, Models.parameters(config, 1), batch);
        INDArray gradients = parameters.ulike();
        var filled = new AtomicLong();
        try (Kernels kernels = withNaN(KernelChoice.best(DataType.FLOAT), filled);
                var model = SmoeLanguageModel.forTraining(kernels, config, parameters, gradients, 80)) {
            assertThat(model.forwardBackward(batch)).isEqualTo(expected.loss());
            assertThat(Models.read(gradients)).isEqualTo(expected.gradients());
        }
        assertThat(filled.get()).isGreaterThan(batch.size() * config.width());
    }

    @ParameterizedTest
    @MethodSource("configs")
    void paddingChangesNothing(ModelConfig config) {
        double[] parameters = Models.parameters(config, 3);
        var narrow = TokenBatch.ofSequences(List.of(new int[] {1, 2, 3, 4}, new int[] {5, 6, 7, 8}));
        int[] tokens = new int[3 * 7];
        int[] targets = new int[3 * 7];
        Arrays.fill(tokens, -1);
        Arrays.fill(targets, -1);
        for (int row = 0; row < 2; row++) {
            System.arraycopy(narrow.tokens(), row * 4, tokens, row * 7, 4);
            System.arraycopy(narrow.targets(), row * 4, targets, row * 7, 4);
        }
        var plain = train(config, parameters, narrow);
        var padded = train(config, parameters, new TokenBatch(tokens, targets, 3, 7));
        assertThat(padded.loss().total()).isCloseTo(plain.loss().total(), within(1e-6));
        assertThat(padded.gradients()).containsExactly(plain.gradients(), within(1e-5));
        try (var model = scorer(config, parameters)) {
            model.forward(new TokenBatch(tokens, targets, 3, 7));
            for (int layer : config.moeLayers()) {
                assertThat(Arrays.stream(model.expertTokens(layer)).sum())
                        .isEqualTo(8 * config.moe().choices(layer));
                assertThat(model.routing(layer).expert(5, 0)).isEqualTo(-1);
                assertThat(model.routing(layer).gate(5, 0)).isZero();
            }
        }
    }

    @Test
    void expertsWithoutTokensGetZeroGradients() {
        var config = Models.config(5, 1, false);
        double[] parameters = Models.parameters(config, 9);
        var batch = Models.batch(1, 2, 10);
        var result = train(config, parameters, batch);
        try (var model = scorer(config, parameters)) {
            model.forward(batch);
            int idle = IntStream.range(0, 5)
                    .filter(e -> model.expertTokens(1)[e] == 0)
                    .findFirst()
                    .orElseThrow();
            for (String part : ParameterLayout.FEED_FORWARD) {
                var tensor = ParameterLayout.of(config).tensor(ParameterLayout.expert(1, idle) + part);
                for (int i = 0; i < tensor.length(); i++) {
                    assertThat(result.gradients()[(int) tensor.offset() + i]).isZero();
                }
            }
        }
    }

    @Test
    void aBatchWithNothingToPredictHasOnlyTheRoutersGradient() {
        var config = Models.config(5, 2, true);
        var result =
                train(config, Models.parameters(config, 1), new TokenBatch(new int[] {1, 2}, new int[] {-1, -1}, 1, 2));
        assertThat(result.loss().crossEntropy()).isZero();
        assertThat(result.loss().predicted()).isZero();
        assertThat(result.gradients()).doesNotContain(Double.NaN);
        var router = ParameterLayout.of(config).tensor(ParameterLayout.router(1));
        assertThat(Arrays.stream(result.gradients(), (int) router.offset(), (int) (router.offset() + router.length())))
                .anyMatch(value -> value != 0);
    }

    @Test
    void routingShowsLogitsChoicesGatesAndNorms() {
        var config = Models.config(5, 2, true);
        var batch = Models.batch(3, 7, 11);
        try (var model = scorer(config, Models.parameters(config, 12))) {
            model.forward(batch);
            RoutingView routing = model.routing(1);
            assertThat(routing.tokens()).isEqualTo(batch.size());
            for (int token = 0; token < batch.size(); token++) {
                if (batch.tokens()[token] < 0) {
                    continue;
                }
                int first = routing.expert(token, 0);
                int second = routing.expert(token, 1);
                for (int expert = 0; expert < 5; expert++) {
                    float bound = expert == first ? routing.logit(token, first) : routing.logit(token, second);
                    assertThat(expert == first || routing.logit(token, expert) <= bound)
                            .isTrue();
                }
                assertThat(routing.gate(token, 0) + routing.gate(token, 1)).isCloseTo(1f, within(1e-6f));
                assertThat(routing.gate(token, 0)).isGreaterThanOrEqualTo(routing.gate(token, 1));
                assertThat(routing.outputNorm(token, 1)).isPositive();
            }
            assertThatThrownBy(() -> model.routing(0)).hasMessageContaining("[1]");
        }
    }

    @Test
    void tiesGoToTheLowerExpert() {
        var config = Models.config(5, 2, false);
        double[] parameters = Models.parameters(config, 1);
        var router = ParameterLayout.of(config).tensor(ParameterLayout.router(1));
        Arrays.fill(parameters, (int) router.offset(), (int) (router.offset() + router.length()), 0);
        try (var model = scorer(config, parameters)) {
            model.forward(TokenBatch.ofSequences(List.of(new int[] {1, 2, 3})));
            assertThat(model.expertTokens(1)).containsExactly(3, 3, 0, 0, 0);
        }
    }

    @Test
    void batchesThatDoNotFitAreRefusedWithTheReason() {
        try (var model = scorer(Models.dense(), Models.parameters(Models.dense(), 1))) {
            assertThatThrownBy(() -> model.forward(Models.batch(1, 10, 1))).hasMessageContaining("9 positions");
            assertThatThrownBy(() -> model.forward(Models.batch(9, 9, 1))).hasMessageContaining("80 tokens");
            assertThatThrownBy(() -> model.forward(TokenBatch.ofSequences(List.of(new int[] {1, 23}))))
                    .hasMessageContaining("vocabulary of 23");
        }
        assertThatThrownBy(() -> new TokenBatch(new int[] {-1, 1}, new int[] {-1, -1}, 1, 2))
                .hasMessageContaining("column 1");
        assertThatThrownBy(() -> new TokenBatch(new int[] {1, -1}, new int[] {2, 3}, 1, 2))
                .hasMessageContaining("Padding");
    }
}

package dev.uncurl.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.model.SmoeLanguageModel;
import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.WeightArrays;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.model.spec.MoeLayer;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class SmoeNetworkTest {
    static final ModelConfig CONFIG =
            new ModelConfig(2, 16, 2, 24, 19, 8, new MoeConfig(4, 2, 2, true, 0.01, 0.001, 1.25));
    static final FusedAdamW UPDATER =
            new FusedAdamW(0.01).withSchedule(3, 40, 0.001).withWeightDecay(0.1).withMaximumGradientNorm(1);

    /** Sequences that count upwards from a random token, modulo the vocabulary. */
    static TokenBatch counting(int rows, Random random) {
        return TokenBatch.ofSequences(IntStream.range(0, rows)
                .mapToObj(row -> {
                    int first = random.nextInt(19);
                    int length = 3 + random.nextInt(6);
                    return IntStream.range(0, length).map(i -> (first + i) % 19).toArray();
                })
                .toList());
    }

    private static void fit(MultiLayerNetwork network, int steps, long seed) {
        var random = new Random(seed);
        for (int step = 0; step < steps; step++) {
            network.fit(SmoeNetwork.dataSet(counting(6, random)));
        }
    }

    private static float[] parameters(MultiLayerNetwork network) {
        return network.params().dup('c').data().asFloat();
    }

    private static float[] state(MultiLayerNetwork network) {
        return network.getUpdater().getStateViewArray().dup('c').data().asFloat();
    }

    @Test
    void theSameSeedAndDataGiveBitIdenticalWeights() {
        var one = SmoeNetwork.create(CONFIG, UPDATER, 5);
        var other = SmoeNetwork.create(CONFIG, UPDATER, 5);
        assertThat(parameters(one)).isEqualTo(WeightArrays.initial(CONFIG, 5));
        fit(one, 25, 1);
        fit(other, 25, 1);
        assertThat(parameters(one)).isEqualTo(parameters(other)).isNotEqualTo(WeightArrays.initial(CONFIG, 5));
    }

    @Test
    void aSmallModelLearnsToCount() {
        var network = SmoeNetwork.create(CONFIG, new FusedAdamW(0.01).withSchedule(10, 200, 0.001), 1);
        fit(network, 200, 2);
        network.score(SmoeNetwork.dataSet(counting(16, new Random(99))));
        assertThat(SmoeNetwork.layer(network).last().loss().crossEntropy()).isLessThan(0.1);
    }

    /** The textbook formulas in double precision, with gradients from a model of its own. */
    @Test
    void stepsAreThoseOfAdamWWithClippingAndSchedule() {
        var network = SmoeNetwork.create(CONFIG, UPDATER, 7);
        float[] weights = parameters(network);
        double[] expected =
                IntStream.range(0, weights.length).mapToDouble(i -> weights[i]).toArray();
        double[] first = new double[expected.length];
        double[] second = new double[expected.length];
        boolean[] decays = new boolean[expected.length];
        for (var tensor : ParameterLayout.of(CONFIG).tensors()) {
            Arrays.fill(decays, (int) tensor.offset(), (int) (tensor.offset() + tensor.length()), tensor.decays());
        }
        var random = new Random(3);
        for (int step = 1; step <= 6; step++) {
            var batch = counting(5, random);
            var current = Nd4j.createFromArray(parameters(network));
            var gradients = current.ulike();
            try (var model = SmoeLanguageModel.forTraining(CONFIG, current, gradients, batch.size())) {
                model.forwardBackward(batch);
            }
            double[] g = gradients
                    .castTo(org.nd4j.linalg.api.buffer.DataType.DOUBLE)
                    .data()
                    .asDouble();
            double norm = Math.sqrt(Arrays.stream(g).map(x -> x * x).sum());
            double scale = Math.min(1, 1 / norm);
            double rate =
                    step <= 3 ? 0.01 * step / 3 : 0.001 + 0.5 * 0.009 * (1 + Math.cos(Math.PI * (step - 1 - 3) / 37.0));
            network.fit(SmoeNetwork.dataSet(batch));
            assertThat(SmoeNetwork.layer(network).gradientNorm()).isCloseTo(norm, within(1e-5));
            float[] after = parameters(network);
            for (int i = 0; i < expected.length; i++) {
                first[i] = 0.9 * first[i] + 0.1 * scale * g[i];
                second[i] = 0.95 * second[i] + 0.05 * scale * g[i] * scale * g[i];
                double corrected = first[i] / (1 - Math.pow(0.9, step));
                double root = Math.sqrt(second[i] / (1 - Math.pow(0.95, step)));
                double decay = decays[i] ? rate * 0.1 * expected[i] : 0;
                expected[i] -= decay + rate * corrected / (root + 1e-8);
                // where a gradient is all rounding error its sign, and with it the step, is not determined
                if (root > 1e-6) {
                    assertThat((double) after[i]).isCloseTo(expected[i], within(2e-5));
                }
                expected[i] = after[i];
            }
        }
    }

    @Test
    void theConfigurationSurvivesJson() {
        var configuration = SmoeNetwork.configuration(CONFIG, UPDATER, 11);
        var read = MultiLayerConfiguration.fromJson(configuration.toJson());
        assertThat(read).isEqualTo(configuration);
        assertThat(read.getConf(0).getSeed()).isEqualTo(11);
        var layer = (SmoeLayer) read.getConf(0).getLayer();
        assertThat(layer.modelConfig()).isEqualTo(CONFIG);
        assertThat(layer.getIUpdater()).isEqualTo(UPDATER).isNotEqualTo(new FusedAdamW(0.01));
        assertThat(new SmoeLayer(CONFIG, 0))
                .isNotEqualTo(new SmoeLayer(CONFIG.withExperts(8), 0))
                .isNotEqualTo(new SmoeLayer(CONFIG, 1));
    }

    /** Block 0 with a mapped router, block 1 with three experts and a masked row. */
    private static final ModelConfig BY_LAYER = new ModelConfig(
                    2, 16, 2, 24, 19, 8, new MoeConfig(4, 2, 1, true, 0.01, 0.001, 1.25))
            .withMoeLayers(new TreeMap<>(
                    Map.of(0, new MoeLayer(2, List.of(0, 1, 1, 0)), 1, new MoeLayer(3, List.of(0, -1, 1, 2)))));

    @Test
    void blocksOfDifferentExpertsSurviveJson() {
        var configuration = SmoeNetwork.configuration(BY_LAYER, UPDATER, 11);
        var read = MultiLayerConfiguration.fromJson(configuration.toJson());
        assertThat(read).isEqualTo(configuration).isNotEqualTo(SmoeNetwork.configuration(CONFIG, UPDATER, 11));
        assertThat(((SmoeLayer) read.getConf(0).getLayer()).modelConfig()).isEqualTo(BY_LAYER);
    }

    @Test
    void aModelWithMappedAndMaskedRoutersLearnsToCount() {
        var network = SmoeNetwork.create(BY_LAYER, new FusedAdamW(0.01).withSchedule(10, 200, 0.001), 1);
        float[] before = parameters(network);
        fit(network, 200, 2);
        network.score(SmoeNetwork.dataSet(counting(16, new Random(99))));
        assertThat(SmoeNetwork.layer(network).last().loss().crossEntropy()).isLessThan(0.1);
        assertThat(SmoeNetwork.layer(network).last().routing().get(0).tokens()).hasSize(4);
        assertThat(SmoeNetwork.layer(network).last().routing().get(1).tokens())
                .hasSize(4)
                .matches(tokens -> tokens[1] == 0);
        float[] after = parameters(network);
        for (var tensor : ParameterLayout.of(BY_LAYER).tensors()) {
            int from = (int) tensor.offset();
            int to = (int) (from + tensor.length());
            assertThat(Arrays.copyOfRange(after, from, to))
                    .as(tensor.name())
                    .isNotEqualTo(Arrays.copyOfRange(before, from, to));
        }
    }

    @Test
    void aReleasedNetworkKeepsNoArray() {
        var network = SmoeNetwork.create(CONFIG, UPDATER, 5);
        fit(network, 1, 1);
        List<INDArray> arrays = List.of(
                network.params(),
                network.getFlattenedGradients(),
                network.getUpdater().getStateViewArray());
        SmoeNetwork.release(network);
        assertThat(arrays).allMatch(INDArray::wasClosed);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aNetworkWrittenAndReadGoesOnWithTheSameBits(boolean byLayer) throws IOException {
        var network = SmoeNetwork.create(byLayer ? BY_LAYER : CONFIG, UPDATER, 5);
        fit(network, 5, 1);
        var bytes = new ByteArrayOutputStream();
        ModelSerializer.writeModel(network, bytes, true);
        var read = ModelSerializer.restoreMultiLayerNetwork(new ByteArrayInputStream(bytes.toByteArray()), true);
        assertThat(parameters(read)).isEqualTo(parameters(network));
        assertThat(state(read)).isEqualTo(state(network));
        var copy = network.clone();
        fit(network, 4, 2);
        fit(read, 4, 2);
        fit(copy, 4, 2);
        assertThat(parameters(read)).isEqualTo(parameters(network));
        assertThat(parameters(copy)).isEqualTo(parameters(network));
        assertThat(state(read)).isEqualTo(state(network));
    }

    @Test
    void theScoreIsTheTotalLossAndCountsAreThoseOfTheBatch() {
        var network = SmoeNetwork.create(CONFIG, UPDATER, 5);
        var batch = counting(4, new Random(8));
        double score = network.score(SmoeNetwork.dataSet(batch));
        var flat = Nd4j.createFromArray(parameters(network));
        try (var model = SmoeLanguageModel.forScoring(CONFIG, flat, batch.size())) {
            var loss = model.forward(batch);
            assertThat(score).isCloseTo(loss.total(), within(1e-6));
            assertThat(SmoeNetwork.layer(network).last().routing().get(1).tokens())
                    .isEqualTo(model.expertTokens(1));
        }
        int tokens =
                (int) Arrays.stream(batch.tokens()).filter(token -> token >= 0).count();
        assertThat(Arrays.stream(SmoeNetwork.layer(network)
                                .last()
                                .routing()
                                .get(1)
                                .tokens())
                        .sum())
                .isEqualTo(2 * tokens);
    }

    @Test
    void batchesOfAnyShapeFollowEachOther() {
        var network = SmoeNetwork.create(CONFIG, UPDATER, 5);
        for (var sequences : List.of(List.of(new int[] {1, 2}), List.of(new int[] {3, 4, 5, 6}, new int[] {7, 8}))) {
            network.fit(SmoeNetwork.dataSet(TokenBatch.ofSequences(sequences)));
        }
        network.fit(SmoeNetwork.dataSet(TokenBatch.ofSequences(List.of(new int[] {1, 2, 3}))));
        assertThat(SmoeNetwork.layer(network).last().loss().predicted()).isEqualTo(2);
        SmoeNetwork.layer(network).release();
        network.fit(SmoeNetwork.dataSet(TokenBatch.ofSequences(List.of(new int[] {1, 2, 3}))));
        assertThat(network.getIterationCount()).isEqualTo(4);
    }

    @Test
    void aNetworkResumedFromItsParametersMomentsAndIterationGoesOnWithTheSameBits() throws IOException {
        var network = SmoeNetwork.create(CONFIG, UPDATER, WeightArrays.of(CONFIG, WeightArrays.initial(CONFIG, 5)), 4);
        fit(network, 5, 1);
        var other = SmoeNetwork.create(CONFIG, UPDATER, SmoeNetwork.parameters(network), 4);
        SmoeNetwork.resume(other, SmoeNetwork.moments(network), network.getIterationCount());
        fit(network, 4, 2);
        fit(other, 4, 2);
        assertThat(parameters(other)).isEqualTo(parameters(network));
        assertThat(state(other)).isEqualTo(state(network));
    }

    @Test
    void aModelThatCannotRouteGivesALossAndGradientsThatAreNoNumbersAndSaysWhy() throws IOException {
        float[] weights = WeightArrays.initial(CONFIG, 5);
        Arrays.fill(weights, 1e30f);
        var network = SmoeNetwork.create(CONFIG, UPDATER, WeightArrays.of(CONFIG, weights));
        network.fit(SmoeNetwork.dataSet(counting(4, new Random(8))));
        SmoeOutputLayer layer = SmoeNetwork.layer(network);
        assertThat(layer.last().loss().crossEntropy()).isNaN();
        assertThat(layer.gradientNorm()).isNaN();
        assertThat(layer.last().fault()).contains("The router of block 1 gives token");
        assertThat(layer.last().routing().get(1).tokens()).containsOnly(0);
    }
}

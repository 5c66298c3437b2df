package dev.uncurl.model;

import static dev.uncurl.model.Models.train;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.model.spec.MoeLayer;
import dev.uncurl.model.spec.ParameterLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;

/** Models with experts that must be the same model as another one, in loss and in gradient. */
class ExpertLawsTest {
    private static final TokenBatch BATCH = Models.batch(4, 9, 5);

    private static void copy(
            ModelConfig from, double[] source, String name, ModelConfig to, double[] target, String as) {
        var there = ParameterLayout.of(from).tensor(name);
        var here = ParameterLayout.of(to).tensor(as);
        System.arraycopy(source, (int) there.offset(), target, (int) here.offset(), (int) there.length());
    }

    /** The values of a dense model: what it shares with one that has experts, and the sum of those experts. */
    private static double[] experts(ModelConfig config, double[] source, int count) {
        var dense = Models.dense();
        double[] target = new double[(int) ParameterLayout.of(dense).length()];
        for (var tensor : ParameterLayout.of(config).tensors()) {
            if (!tensor.name().contains("moe")) {
                copy(config, source, tensor.name(), dense, target, tensor.name());
            }
        }
        for (String part : ParameterLayout.FEED_FORWARD) {
            var here = ParameterLayout.of(dense).tensor("h.1.mlp." + part);
            for (int expert = 0; expert < count; expert++) {
                var there = ParameterLayout.of(config).tensor(ParameterLayout.expert(1, expert) + part);
                for (int i = 0; i < here.length(); i++) {
                    target[(int) here.offset() + i] += source[(int) there.offset() + i];
                }
            }
        }
        return target;
    }

    private static void assertIsTheDenseModel(ModelConfig config, double[] mixture, double[] dense) {
        var sparse = train(config, mixture, BATCH);
        var whole = train(Models.dense(), dense, BATCH);
        assertThat(sparse.loss().crossEntropy()).isCloseTo(whole.loss().crossEntropy(), within(1e-6));
        int count = config.moe().experts();
        assertThat(experts(config, sparse.gradients(), count)).containsExactly(whole.gradients(), within(2e-6));
        var router = ParameterLayout.of(config).tensor(ParameterLayout.router(1));
        for (int i = 0; i < router.length(); i++) {
            assertThat(sparse.gradients()[(int) router.offset() + i]).isCloseTo(0, within(1e-6));
        }
    }

    /** The balance loss of one expert is 1 whatever the router does, and has no gradient. */
    @ParameterizedTest
    @ValueSource(doubles = {0, 1})
    void oneExpertIsTheDenseModel(double capacityFactor) {
        var one = Models.config(new MoeConfig(1, 1, 2, false, 0.03, 0, capacityFactor));
        double[] parameters = Models.parameters(one, 4);
        assertIsTheDenseModel(one, parameters, experts(one, parameters, 1));
    }

    /** Gates that sum to one over experts that say the same: which are chosen makes no difference. */
    @Test
    void identicalExpertsWithRenormalizedGatesAreTheDenseModel() {
        var config = Models.config(new MoeConfig(5, 3, 2, true, 0, 0));
        double[] mixture = Models.parameters(config, 6);
        for (int expert = 1; expert < 5; expert++) {
            for (String part : ParameterLayout.FEED_FORWARD) {
                String first = ParameterLayout.expert(1, 0) + part;
                copy(config, mixture.clone(), first, config, mixture, ParameterLayout.expert(1, expert) + part);
            }
        }
        assertIsTheDenseModel(config, mixture, experts(config, mixture, 1));
    }

    /** Whatever the router chooses, all of it leads to one expert, with gates that sum to one. */
    @Test
    void aMapOfAllRowsToOneExpertIsTheDenseModel() {
        var layer = new MoeLayer(1, List.of(0, 0, 0, 0, 0));
        var config = Models.weighted(Models.config(5, 3, true).withMoeLayers(new TreeMap<>(Map.of(1, layer))), 0, 0);
        double[] mapped = Models.parameters(config, 6);
        assertIsTheDenseModel(config, mapped, experts(config, mapped, 1));
    }

    /** Row for row the same experts, only that they stand in another order: the map leads to where they are. */
    @ParameterizedTest
    @CsvSource({"1, false, 0", "2, false, 0", "2, true, 0", "2, false, 0.7"})
    void aMapThatFollowsThePermutedExpertsChangesNoBit(int topK, boolean renormalize, double capacityFactor) {
        var plain = Models.config(5, topK, renormalize, capacityFactor);
        int[] order = {3, 0, 4, 1, 2};
        var map = Stream.of(0, 1, 2, 3, 4)
                .map(row -> Arrays.stream(order).boxed().toList().indexOf(row))
                .toList();
        var config = plain.withMoeLayers(new TreeMap<>(Map.of(1, new MoeLayer(5, map))));
        assertThat(config.moe().layer(1).isMapped()).isTrue();
        double[] parameters = Models.parameters(plain, 7);
        double[] permuted = permuteExperts(plain, parameters, order);
        var before = train(plain, parameters, BATCH);
        var after = train(config, permuted, BATCH);
        assertThat(after.loss()).isEqualTo(before.loss());
        assertThat(after.logProbabilities()).isEqualTo(before.logProbabilities());
        assertThat(after.dropped()).isEqualTo(before.dropped());
        assertThat(after.gradients()).isEqualTo(permuteExperts(plain, before.gradients(), order));
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.7})
    void permutingExpertsPermutesGradientsAndRouting(double capacityFactor) {
        var config = Models.config(5, 2, false, capacityFactor);
        int[] order = {3, 0, 4, 1, 2};
        double[] parameters = Models.parameters(config, 7);
        double[] permuted = permute(config, parameters, order);
        var before = train(config, parameters, BATCH);
        var after = train(config, permuted, BATCH);
        assertThat(after.loss().total()).isCloseTo(before.loss().total(), within(1e-6));
        assertThat(after.dropped()).isEqualTo(before.dropped());
        assertThat(after.dropped() > 0).isEqualTo(capacityFactor > 0);
        assertThat(after.gradients()).containsExactly(permute(config, before.gradients(), order), within(1e-5));
        int[] tokens = expertTokens(config, parameters);
        int[] permutedTokens = expertTokens(config, permuted);
        for (int expert = 0; expert < 5; expert++) {
            assertThat(permutedTokens[expert]).isEqualTo(tokens[order[expert]]);
        }
    }

    private static int[] expertTokens(ModelConfig config, double[] parameters) {
        try (var model = SmoeLanguageModel.forScoring(config, Models.array(parameters, DataType.FLOAT), 80)) {
            model.forward(BATCH);
            return model.expertTokens(1);
        }
    }

    /** Expert e of the result, and its router row, is that of expert order[e] of the source. */
    private static double[] permute(ModelConfig config, double[] source, int[] order) {
        double[] target = permuteExperts(config, source, order);
        int router = (int)
                ParameterLayout.of(config).tensor(ParameterLayout.router(1)).offset();
        int width = config.width();
        for (int expert = 0; expert < order.length; expert++) {
            System.arraycopy(source, router + order[expert] * width, target, router + expert * width, width);
        }
        return target;
    }

    /** The router stays as it is. */
    private static double[] permuteExperts(ModelConfig config, double[] source, int[] order) {
        double[] target = source.clone();
        for (int expert = 0; expert < order.length; expert++) {
            for (String part : ParameterLayout.FEED_FORWARD) {
                String from = ParameterLayout.expert(1, order[expert]) + part;
                copy(config, source, from, config, target, ParameterLayout.expert(1, expert) + part);
            }
        }
        return target;
    }
}

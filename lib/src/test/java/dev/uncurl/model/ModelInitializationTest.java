package dev.uncurl.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.model.spec.ParameterLayout;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import org.apache.commons.math3.distribution.NormalDistribution;
import org.apache.commons.math3.stat.descriptive.DescriptiveStatistics;
import org.junit.jupiter.api.Test;

class ModelInitializationTest {
    @Test
    void aTensorIsTheSameInEveryModelOfTheSameSeed() {
        var config = Models.config(5, 1, false);
        float[] small = WeightArrays.initial(config, 1);
        assertThat(WeightArrays.initial(config, 1)).isEqualTo(small);
        assertThat(WeightArrays.initial(config, 2)).isNotEqualTo(small);
        float[] large = WeightArrays.initial(config.withExperts(9), 1);
        for (var tensor : ParameterLayout.of(config).tensors()) {
            int from = (int) tensor.offset();
            int there = (int) ParameterLayout.of(config.withExperts(9))
                    .tensor(tensor.name())
                    .offset();
            assertThat(Arrays.copyOfRange(large, there, there + (int) tensor.length()))
                    .as(tensor.name())
                    .isEqualTo(Arrays.copyOfRange(small, from, from + (int) tensor.length()));
        }
    }

    @Property(tries = 50)
    void aRangeHasTheValuesOfTheWhole(
            @ForAll long seed, @ForAll @IntRange(max = 19) int from, @ForAll @IntRange(max = 20) int to) {
        for (var tensor : ParameterLayout.of(Models.config(2, 1, false)).tensors()) {
            float[] whole = new float[20];
            ModelInitialization.fill(tensor, 2, seed, 0, whole, 0, 20);
            float[] part = new float[20];
            ModelInitialization.fill(tensor, 2, seed, from, part, from, Math.max(0, to - from));
            if (to > from) {
                assertThat(Arrays.copyOfRange(part, from, to)).isEqualTo(Arrays.copyOfRange(whole, from, to));
            }
        }
    }

    @Test
    void matricesHaveGpt2sDeviations() {
        for (String name : new String[] {"h.0.mlp.c_fc.weight", "h.0.mlp.c_proj.weight"}) {
            var tensor = new ParameterLayout.Tensor(name, List.of(400, 500), 0);
            float[] values = new float[200_000];
            ModelInitialization.fill(tensor, 8, 3, 0, values, 0, values.length);
            var statistics = new DescriptiveStatistics();
            for (float value : values) {
                statistics.addValue(value);
            }
            double deviation = name.contains("c_proj") ? 0.02 / 4 : 0.02;
            assertThat(statistics.getMean()).isCloseTo(0, within(4 * deviation / Math.sqrt(values.length)));
            assertThat(statistics.getStandardDeviation()).isCloseTo(deviation, within(0.01 * deviation));
            assertThat(statistics.getKurtosis()).isCloseTo(0, within(0.05));
        }
    }

    /** A change of these values is a change of every model that will be trained. */
    @Test
    void theValuesStayTheSame() {
        var tensor = new ParameterLayout.Tensor("wte.weight", List.of(3, 2), 0);
        float[] values = new float[6];
        ModelInitialization.fill(tensor, 2, 1, 0, values, 0, 6);
        assertThat(values)
                .containsExactly(0.004200877f, -0.010767519f, 0.04411584f, -0.01275549f, 0.009304817f, 0.023265999f);
    }

    @Property(tries = 500)
    void quantilesAgreeWithCommonsMath(@ForAll @LongRange(min = 1, max = (1L << 53) - 1) long bits) {
        double probability = bits * 0x1p-53;
        double expected = new NormalDistribution().inverseCumulativeProbability(probability);
        assertThat(NormalQuantile.of(probability)).isCloseTo(expected, within(1e-9));
    }
}

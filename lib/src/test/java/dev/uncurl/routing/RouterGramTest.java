package dev.uncurl.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.clustering.LogitSamples;
import dev.uncurl.error.UserError;
import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class RouterGramTest {
    private static float[] logits(Random random, int tokens, int experts) {
        float[] logits = new float[tokens * experts];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (float) random.nextGaussian() * 3;
        }
        return logits;
    }

    private static RouterGram gram(float[] logits, int experts, int from, int to) {
        return LogitSamples.gram(Arrays.copyOfRange(logits, from * experts, to * experts), experts);
    }

    @Property(tries = 50)
    void distancesAreThoseOfTheColumns(
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 9) int experts,
            @ForAll @IntRange(max = 40) int tokens) {
        var random = new Random(seed);
        float[] logits = logits(random, tokens, experts);
        RouterGram gram = gram(logits, experts, 0, tokens);
        int[] cluster = random.ints(0, experts)
                .distinct()
                .limit(1 + random.nextInt(experts))
                .toArray();
        for (int i = 0; i < experts; i++) {
            double toMean = 0;
            double toFirst = 0;
            for (int t = 0; t < tokens; t++) {
                double mean = 0;
                for (int j : cluster) {
                    mean += logits[t * experts + j] / (double) cluster.length;
                }
                toMean += Math.pow(logits[t * experts + i] - mean, 2);
                toFirst += Math.pow(logits[t * experts + i] - (double) logits[t * experts], 2);
            }
            assertThat(gram.squaredDistanceToMean(i, cluster)).isCloseTo(toMean, within(1e-8 * (1 + toMean)));
            assertThat(gram.squaredDistance(i, 0)).isCloseTo(toFirst, within(1e-8 * (1 + toFirst)));
        }
    }

    @Property(tries = 30)
    void aShiftOfATokensLogitsMovesNoDistance(@ForAll long seed) {
        var random = new Random(seed);
        float[] logits = logits(random, 20, 4);
        float[] shifted = logits.clone();
        for (int t = 0; t < 20; t++) {
            float shift = random.nextInt(9);
            for (int e = 0; e < 4; e++) {
                logits[t * 4 + e] = Math.round(logits[t * 4 + e] * 16) / 16f;
                shifted[t * 4 + e] = logits[t * 4 + e] + shift;
            }
        }
        double expected = gram(logits, 4, 0, 20).squaredDistance(1, 2);
        assertThat(gram(shifted, 4, 0, 20).squaredDistance(1, 2)).isCloseTo(expected, within(1e-8));
    }

    @Test
    void whatIsNoGramMatrixIsRefused() {
        assertThatThrownBy(() -> new RouterGram(2, 1, new double[3])).isInstanceOf(UserError.class);
        assertThatThrownBy(() -> new RouterGram(2, 1, new double[] {1, 2, 3, 4}))
                .isInstanceOf(UserError.class);
        assertThatThrownBy(() -> new RouterGram(1, 1, new double[] {Double.NaN}))
                .isInstanceOf(UserError.class);
        assertThatThrownBy(() -> new RouterGram(1, 1, new double[] {-1})).isInstanceOf(UserError.class);
    }
}

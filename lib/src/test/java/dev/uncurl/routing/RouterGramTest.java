package dev.uncurl.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.error.UserError;
import java.util.ArrayList;
import java.util.List;
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
        var gram = new RouterGram(experts);
        for (int token = from; token < to; token++) {
            gram.add(logits, token * experts);
        }
        return gram;
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

    @Property(tries = 50)
    void theSameChunksInTheSameOrderGiveTheSameBitsHoweverTheyWereSpreadOverWorkers(
            @ForAll long seed, @ForAll @IntRange(min = 1, max = 6) int chunks) {
        var random = new Random(seed);
        int experts = 5;
        float[] logits = logits(random, chunks * 7, experts);
        List<RouterGram> parts = new ArrayList<>();
        for (int chunk = 0; chunk < chunks; chunk++) {
            parts.add(gram(logits, experts, chunk * 7, chunk * 7 + 7));
        }
        var once = new RouterGram(experts);
        var again = new RouterGram(experts);
        parts.forEach(once::merge);
        for (int chunk = 0; chunk < chunks; chunk++) {
            again.merge(gram(logits, experts, chunk * 7, chunk * 7 + 7));
        }
        assertThat(again).isEqualTo(once);
        RouterGram whole = gram(logits, experts, 0, chunks * 7);
        assertThat(once.tokens()).isEqualTo(whole.tokens());
        assertThat(once.gram()).containsExactly(whole.gram(), within(1e-9));
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
    void aLogitThatIsNoNumberIsRefusedWithItsRowAndNothingIsAdded() {
        for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
            var gram = new RouterGram(2);
            gram.add(new float[] {1, 2}, 0);
            assertThatThrownBy(() -> gram.add(new float[] {3, bad}, 0))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("row 1, expert 1");
            assertThat(gram.tokens()).isEqualTo(1);
            assertThat(gram.gram()).containsExactly(1, 2, 2, 4);
        }
    }

    @Test
    void whatIsNoGramMatrixIsRefused() {
        assertThatThrownBy(() -> new RouterGram(2, 1, new double[3])).isInstanceOf(UserError.class);
        assertThatThrownBy(() -> new RouterGram(2, 1, new double[] {1, 2, 3, 4}))
                .isInstanceOf(UserError.class);
        assertThatThrownBy(() -> new RouterGram(1, 1, new double[] {Double.NaN}))
                .isInstanceOf(UserError.class);
        assertThatThrownBy(() -> new RouterGram(1, 1, new double[] {-1})).isInstanceOf(UserError.class);
        assertThatThrownBy(() -> new RouterGram(2).merge(new RouterGram(3))).isInstanceOf(UserError.class);
    }
}

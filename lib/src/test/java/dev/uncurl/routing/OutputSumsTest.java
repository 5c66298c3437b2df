package dev.uncurl.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.error.UserError;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class OutputSumsTest {
    private static final int WIDTH = 7;

    /** @param outputs [E][D] sums of the outputs for the tokens of the batch */
    private record Batch(int tokens, double[][] outputs) {}

    private static List<Batch> batches(Random random, int count, int experts) {
        var batches = new ArrayList<Batch>();
        for (int b = 0; b < count; b++) {
            double[][] outputs = new double[experts][WIDTH];
            for (double[] output : outputs) {
                java.util.Arrays.setAll(output, i -> 100 * random.nextGaussian());
            }
            batches.add(new Batch(1 + random.nextInt(50), outputs));
        }
        return batches;
    }

    private static OutputSums sum(List<Batch> batches, int experts) {
        var sums = new OutputSums(experts, WIDTH);
        for (Batch batch : batches) {
            for (int expert = 0; expert < experts; expert++) {
                sums.add(expert, batch.outputs[expert]);
            }
            sums.addTokens(batch.tokens, 2);
        }
        return sums;
    }

    @Property(tries = 60)
    void theBitsAreTheSameForAnyOrderAndGrouping(
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 6) int experts,
            @ForAll @IntRange(min = 1, max = 5) int parts) {
        var random = new Random(seed);
        List<Batch> batches = batches(random, 1 + random.nextInt(40), experts);
        RouterGram whole = sum(batches, experts).gram();
        Collections.shuffle(batches, random);
        var merged = new OutputSums(experts, WIDTH);
        for (int part = 0; part < parts; part++) {
            int from = part * batches.size() / parts;
            merged.merge(sum(batches.subList(from, (part + 1) * batches.size() / parts), experts));
        }
        assertThat(merged.gram()).isEqualTo(whole);
        assertThat(merged.sequences()).isEqualTo(2L * batches.size());
    }

    @Property(tries = 60)
    void distancesAreThoseOfTheMeanOutputs(@ForAll long seed, @ForAll @IntRange(min = 1, max = 6) int experts) {
        var random = new Random(seed);
        List<Batch> batches = batches(random, 1 + random.nextInt(9), experts);
        OutputSums sums = sum(batches, experts);
        long tokens = batches.stream().mapToLong(Batch::tokens).sum();
        RouterGram gram = sums.gram();
        assertThat(gram.tokens()).isEqualTo(tokens).isEqualTo(sums.tokens());
        for (int i = 0; i < experts; i++) {
            for (int j = 0; j < experts; j++) {
                double product = 0;
                double distance = 0;
                for (int d = 0; d < WIDTH; d++) {
                    double one = 0;
                    double two = 0;
                    for (Batch batch : batches) {
                        one += batch.outputs[i][d] / tokens;
                        two += batch.outputs[j][d] / tokens;
                    }
                    product += one * two;
                    distance += (one - two) * (one - two);
                }
                assertThat(gram.at(i, j)).isCloseTo(product, within(1e-9 * (1 + Math.abs(product))));
                assertThat(gram.squaredDistance(i, j)).isCloseTo(distance, within(1e-9 * (1 + distance)));
            }
        }
    }

    @Test
    void whatIsNoOutputOfTheseExpertsIsRefusedAndNothingIsAdded() {
        for (double bad : new double[] {Double.NaN, Double.NEGATIVE_INFINITY, 0x1p34}) {
            var sums = new OutputSums(3, 2);
            assertThatThrownBy(() -> sums.add(2, new double[] {1, bad}))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("expert 2")
                    .hasMessageContaining("diverged");
            assertThat(sums.gram()).isEqualTo(new RouterGram(3, 0, new double[9]));
        }
        assertThatThrownBy(() -> new OutputSums(3, 2).add(0, new double[3])).isInstanceOf(UserError.class);
        assertThatThrownBy(() -> new OutputSums(3, 2).merge(new OutputSums(2, 2)))
                .isInstanceOf(UserError.class);
        assertThatThrownBy(() -> new OutputSums(3, 2).merge(new OutputSums(3, 4)))
                .isInstanceOf(UserError.class);
    }
}

package dev.uncurl.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.clustering.LogitSamples;
import dev.uncurl.error.UserError;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class LayerRoutingTest {
    private static LayerRouting routing(long... choices) {
        RouterGram gram = LogitSamples.gram(new float[choices.length], choices.length);
        return new LayerRouting(1, LongStream.of(choices).boxed().toList(), gram);
    }

    @Test
    void balanceAndCollapseAreTheEndsOfTheScales() {
        LayerRouting balanced = routing(5, 5, 5, 5);
        assertThat(balanced.shares()).containsOnly(0.25);
        assertThat(balanced.maxOverMean()).isEqualTo(1);
        assertThat(balanced.relativeEntropy()).isCloseTo(1, within(1e-12));
        assertThat(balanced.deadExperts()).isEmpty();
        LayerRouting collapsed = routing(0, 7, 0, 0);
        assertThat(collapsed.maxOverMean()).isEqualTo(4);
        assertThat(collapsed.relativeEntropy()).isZero();
        assertThat(collapsed.deadExperts()).containsExactly(0, 2, 3);
        assertThat(routing(3).relativeEntropy()).isEqualTo(1);
    }

    @Test
    void entropyIsThatOfCodesOfWholeBits() {
        // halves and quarters and two eighths take 1, 2, 3 and 3 bits: 1.75 of at most 2
        assertThat(routing(4, 2, 1, 1).relativeEntropy()).isCloseTo(1.75 / 2, within(1e-12));
    }

    @Property(tries = 30)
    void distancesAreThoseOfTheColumnsOfLogits(@ForAll long seed, @ForAll @IntRange(min = 1, max = 40) int tokens) {
        var random = new Random(seed);
        float[] all = new float[5 * tokens];
        float[][] logits = new float[tokens][5];
        for (int t = 0; t < tokens; t++) {
            for (int e = 0; e < 5; e++) {
                logits[t][e] = (float) random.nextGaussian();
                all[5 * t + e] = logits[t][e];
            }
        }
        RouterGram gram = LogitSamples.gram(all, 5);
        double[][] distances = new LayerRouting(0, List.of(1L, 1L, 1L, 1L, 1L), gram).distances();
        for (int i = 0; i < 5; i++) {
            for (int j = 0; j < 5; j++) {
                double sum = 0;
                for (float[] row : logits) {
                    sum += Math.pow((double) row[i] - row[j], 2);
                }
                assertThat(distances[i][j]).isCloseTo(Math.sqrt(sum / tokens), within(1e-6));
            }
        }
    }

    @Test
    void countsThatDoNotFitTheGramMatrixAreRefused() {
        assertThatThrownBy(() ->
                        new LayerRouting(3, List.of(1L, 2L), routing(1, 2, 3).gram()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("Layer 3")
                .hasMessageContaining("3 experts")
                .hasMessageContaining("2 by its statistics");
        assertThatThrownBy(() -> routing(0, 0)).isInstanceOf(UserError.class).hasMessageContaining("routed no token");
        assertThatThrownBy(() -> new TaskOverlap(routing(1, 2), routing(1, 2, 3)))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("cannot be compared");
    }

    /** Whatever their number: the layer reads as one that has the other experts alone. */
    @Test
    void expertsThatARouterLeavesOutDoNotCount() {
        RouterGram gram = routing(1, 1, 1, 1, 1).gram();
        var masked = new LayerRouting(1, List.of(0L, 6L, 0L, 2L, 0L), gram, Set.of(0, 4), Set.of());
        LayerRouting alone = routing(6, 0, 2);
        assertThat(masked.live()).isEqualTo(3);
        assertThat(masked.maxOverMean()).isEqualTo(alone.maxOverMean());
        assertThat(masked.relativeEntropy()).isEqualTo(alone.relativeEntropy());
        assertThat(masked.deadExperts()).containsExactly(2);
        assertThat(new LayerRouting(1, List.of(0L, 5L, 0L, 0L, 0L), gram, Set.of(0, 2, 3, 4), Set.of())
                        .relativeEntropy())
                .isEqualTo(1);
        var other = new LayerRouting(1, List.of(0L, 1L, 7L, 9L, 0L), gram, Set.of(0, 4), Set.of());
        var overlap = new TaskOverlap(masked, other);
        var plain = new TaskOverlap(alone, routing(1, 7, 9));
        assertThat(overlap.rankCorrelation()).isEqualTo(plain.rankCorrelation());
        assertThat(overlap.commonOfTop(2)).isEqualTo(plain.commonOfTop(2));
        assertThat(overlap.jensenShannonDistance()).isEqualTo(plain.jensenShannonDistance());
        for (int wrong : new int[] {1, 5}) {
            assertThatThrownBy(() -> new LayerRouting(1, masked.choices(), gram, Set.of(wrong), Set.of()))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("tokens of expert " + wrong);
        }
    }

    /** Experts that were dropped and are still chosen: the layer reads as one of the other experts alone. */
    @Test
    void expertsThatAreChosenInVainDoNotCount() {
        RouterGram gram = routing(1, 1, 1, 1, 1).gram();
        var zeroed = new LayerRouting(1, List.of(9L, 6L, 0L, 2L, 0L), gram, Set.of(), Set.of(0, 4));
        LayerRouting alone = routing(6, 0, 2);
        assertThat(zeroed.live()).isEqualTo(3);
        assertThat(zeroed.maxOverMean()).isEqualTo(alone.maxOverMean());
        assertThat(zeroed.relativeEntropy()).isEqualTo(alone.relativeEntropy());
        assertThat(zeroed.deadExperts()).containsExactly(2);
        assertThat(zeroed.share(0)).as("of all choices").isEqualTo(9.0 / 17);
        var other = new LayerRouting(1, List.of(7L, 1L, 7L, 9L, 0L), gram, Set.of(), Set.of(0, 4));
        var overlap = new TaskOverlap(zeroed, other);
        var plain = new TaskOverlap(alone, routing(1, 7, 9));
        assertThat(overlap.rankCorrelation()).isEqualTo(plain.rankCorrelation());
        assertThat(overlap.commonOfTop(2)).isEqualTo(plain.commonOfTop(2));
        var inVain = new LayerRouting(1, List.of(5L, 0L, 0L, 0L, 3L), gram, Set.of(), Set.of(0, 4));
        assertThat(inVain.maxOverMean()).isEqualTo(1);
        assertThat(inVain.relativeEntropy()).isZero();
    }

    @Test
    void theSameUseHasNoDistanceAndDisjointUseIsAsFarAsCanBe() {
        var same = new TaskOverlap(routing(1, 2, 3, 4), routing(10, 20, 30, 40));
        assertThat(same.jensenShannonDistance()).isCloseTo(0, within(1e-8));
        assertThat(same.rankCorrelation()).hasValueCloseTo(1.0, within(1e-12));
        var disjoint = new TaskOverlap(routing(4, 3, 0, 0), routing(0, 0, 5, 9));
        assertThat(disjoint.jensenShannonDistance()).isCloseTo(1, within(1e-12));
        assertThat(disjoint.commonOfTop(2)).isZero();
        assertThat(disjoint.commonOfTop(4)).isEqualTo(4);
        assertThat(new TaskOverlap(routing(1, 2, 3), routing(9, 8, 7)).rankCorrelation())
                .hasValueCloseTo(-1.0, within(1e-12));
        assertThat(new TaskOverlap(routing(1, 1, 1), routing(9, 8, 7)).rankCorrelation())
                .isEmpty();
    }

    @Property(tries = 50)
    void overlapAgreesWithEntropiesAndPearsonOfRanks(@ForAll long seed) {
        var random = new Random(seed);
        long[] one = random.longs(6, 0, 5).toArray();
        long[] two = random.longs(6, 0, 5).toArray();
        one[0] += 1;
        two[5] += 1;
        var overlap = new TaskOverlap(routing(one), routing(two));
        double[] p = overlap.one().shares();
        double[] q = overlap.two().shares();
        double[] middle =
                IntStream.range(0, 6).mapToDouble(i -> (p[i] + q[i]) / 2).toArray();
        double divergence = bits(middle) - (bits(p) + bits(q)) / 2;
        assertThat(Math.pow(overlap.jensenShannonDistance(), 2)).isCloseTo(divergence, within(1e-9));
        var expected = new org.apache.commons.math3.stat.correlation.SpearmansCorrelation()
                .correlation(
                        Arrays.stream(one).asDoubleStream().toArray(),
                        Arrays.stream(two).asDoubleStream().toArray());
        if (Double.isNaN(expected)) {
            assertThat(overlap.rankCorrelation()).isEmpty();
        } else {
            assertThat(overlap.rankCorrelation()).hasValueCloseTo(expected, within(1e-9));
        }
        for (int k = 1; k <= 6; k++) {
            Set<Integer> common = new HashSet<>(best(one, k));
            common.retainAll(best(two, k));
            assertThat(overlap.commonOfTop(k)).isEqualTo(common.size());
        }
    }

    private static double bits(double[] shares) {
        return -Arrays.stream(shares)
                        .filter(s -> s > 0)
                        .map(s -> s * Math.log(s))
                        .sum()
                / Math.log(2);
    }

    /** By picking the best one again and again. */
    private static Set<Integer> best(long[] counts, int k) {
        long[] left = counts.clone();
        var best = new HashSet<Integer>();
        while (best.size() < k) {
            int next = 0;
            for (int i = 1; i < left.length; i++) {
                next = left[i] > left[next] ? i : next;
            }
            best.add(next);
            left[next] = -1;
        }
        return best;
    }
}

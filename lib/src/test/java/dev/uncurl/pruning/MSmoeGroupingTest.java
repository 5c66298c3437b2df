package dev.uncurl.pruning;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class MSmoeGroupingTest {
    private static double cosine(float[] logits, int experts, int i, int j) {
        double product = 0;
        double one = 0;
        double two = 0;
        for (int row = 0; row < logits.length; row += experts) {
            product += (double) logits[row + i] * logits[row + j];
            one += (double) logits[row + i] * logits[row + i];
            two += (double) logits[row + j] * logits[row + j];
        }
        return product / Math.sqrt(one * two);
    }

    @Property(tries = 100)
    void eachExpertGoesToTheDominantOneOfTheHighestCosineOverTheRawLogits(
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 12) int experts,
            @ForAll @IntRange(min = 1, max = 12) int wanted) {
        int keep = Math.min(wanted, experts);
        var random = new Random(seed);
        float[] logits = Samples.logits(random, 25, experts, 4);
        LayerStatistics evidence =
                Samples.complete(1, logits, Samples.floats(random, experts, 1), Samples.permutation(random, experts));
        List<Integer> dominant = new ArrayList<>();
        while (dominant.size() < keep) {
            int most = -1;
            for (int e = 0; e < experts; e++) {
                boolean more = most < 0
                        || evidence.statistics().choices(e)
                                > evidence.statistics().choices(most);
                most = !dominant.contains(e) && more ? e : most;
            }
            dominant.add(most);
        }
        int[] labels = new MSmoeGrouping().assignClusters(evidence, keep, 0);
        for (int e = 0; e < experts; e++) {
            int expected = dominant.get(0);
            for (int candidate : dominant) {
                if (cosine(logits, experts, e, candidate) > cosine(logits, experts, e, expected)) {
                    expected = candidate;
                }
            }
            assertThat(labels[e]).isEqualTo(dominant.contains(e) ? e : expected);
        }
    }

    @Test
    void theCosineDecidesNotTheDistance() {
        // expert 1 points where expert 0 points, but is nearer to expert 2
        float[] logits = {10, 1, 0, 0, 0.1f, 1};
        var evidence = new LayerStatistics(1, Samples.gram(logits, 3), Samples.statistics(10, 5, 1, 4));
        assertThat(new MSmoeGrouping().assignClusters(evidence, 2, 0)).containsExactly(0, 0, 2);
    }

    @Test
    void tiesGoToTheMoreActivatedThenToTheLowerId() {
        // the column of expert 3 is zero: its cosine with all is 0
        float[] logits = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0};
        var evidence = new LayerStatistics(1, Samples.gram(logits, 4), Samples.statistics(10, 3, 4, 3, 0));
        assertThat(new MSmoeGrouping().assignClusters(evidence, 2, 0)).containsExactly(0, 1, 1, 1);
    }
}

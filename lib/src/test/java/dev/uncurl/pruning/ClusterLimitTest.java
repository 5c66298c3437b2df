package dev.uncurl.pruning;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.clustering.Labels;
import dev.uncurl.clustering.LogitSamples;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class ClusterLimitTest {
    private static int largest(int[] labels) {
        return (int) Arrays.stream(labels)
                .mapToLong(label ->
                        Arrays.stream(labels).filter(other -> other == label).count())
                .max()
                .orElseThrow();
    }

    @Property(tries = 100)
    void noClusterIsLargerNoneIsLostAndReferencesStay(
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 16) int experts,
            @ForAll @IntRange(min = 1, max = 16) int wanted,
            @ForAll @IntRange(min = 0, max = 4) int room) {
        int clusters = Math.min(wanted, experts);
        int most = (experts + clusters - 1) / clusters + room;
        LayerStatistics evidence = Samples.complete(1, seed, experts);
        int[] labels = BuiltInMethods.AGGLOMERATIVE_SINGLE.assignClusters(evidence, clusters, 0);
        int[] limited = ClusterLimit.limited(evidence, labels, most);
        assertThat(largest(limited)).isLessThanOrEqualTo(most);
        assertThat(IntStream.of(limited).distinct()).hasSize(clusters);
        for (int reference : LayerPlan.references(evidence, labels)) {
            assertThat(limited[reference]).isEqualTo(labels[reference]);
        }
        if (largest(labels) <= most) {
            assertThat(limited).isEqualTo(labels);
        }
    }

    @Property(tries = 60)
    void relabellingTheExpertsRelabelsTheResult(@ForAll long seed) {
        int experts = 12;
        var random = new Random(seed);
        float[] logits = Samples.logits(random, 20, experts, 4);
        int[] usage = Samples.permutation(random, experts);
        int[] permutation = Samples.permutation(random, experts);
        int[] labels = limited(logits, usage);
        int[] relabelled = limited(
                LogitSamples.relabelled(logits, permutation),
                IntStream.of(permutation).map(e -> usage[e]).toArray());
        assertThat(Labels.canonical(relabelled))
                .isEqualTo(Labels.canonical(
                        IntStream.of(permutation).map(e -> labels[e]).toArray()));
    }

    private static int[] limited(float[] logits, int[] usage) {
        LayerStatistics evidence = Samples.complete(1, logits, logits, usage);
        return ClusterLimit.limited(evidence, BuiltInMethods.KMEANS.assignClusters(evidence, 3, 1), 4);
    }

    @Test
    void theExpertThatFitsElsewhereBestIsMoved() {
        // on a line, by places: {0, 1, 2, 4} and {9}; of the four, the one at 4 is the nearest to 9
        float[] line = {0, 1, 2, 4, 9};
        var evidence = new LayerStatistics(1, Samples.gram(line, 5), Samples.statistics(15, 5, 4, 3, 2, 1));
        assertThat(ClusterLimit.limited(evidence, new int[] {0, 0, 0, 0, 1}, 3)).containsExactly(0, 0, 0, 1, 1);
        // but the most activated of its cluster stays
        var reversed = new LayerStatistics(1, Samples.gram(line, 5), Samples.statistics(15, 1, 2, 3, 4, 5));
        assertThat(ClusterLimit.limited(reversed, new int[] {0, 0, 0, 0, 1}, 3)).containsExactly(0, 0, 1, 0, 1);
    }
}

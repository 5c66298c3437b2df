package dev.uncurl.pruning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.clustering.Linkage;
import dev.uncurl.error.UserError;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class BudgetTest {
    private static Budget adaptive(int experts, Map<Integer, Integer> exceptions, int maxCluster) {
        return new Budget(Budget.Sharing.ADAPTIVE, experts, new TreeMap<>(exceptions), maxCluster);
    }

    private static List<LayerStatistics> layers(long seed, int layers, int experts) {
        var random = new Random(seed);
        var evidence = new ArrayList<LayerStatistics>();
        for (int layer = 0; layer < layers; layer++) {
            float[] logits = Samples.logits(random, 30, experts, 1 + random.nextInt(experts));
            evidence.add(Samples.evidence(2 * layer + 1, logits, experts));
        }
        return evidence;
    }

    /** Inertia with k clusters by Ward's joins, as a share of that with one. */
    private static double share(LayerStatistics layer, int clusters) {
        return inertia(layer, clusters) / inertia(layer, 1);
    }

    private static double inertia(LayerStatistics layer, int clusters) {
        int[] labels = Linkage.WARD.assignClusters(layer.gram(), clusters, 0);
        return LayerScore.of(layer, LayerPlan.rows(layer, labels, MergeWeights.UNIFORM))
                .inertia();
    }

    /** The least sum of shares over all ways to spend the total, one layer after the other. */
    private static double least(List<LayerStatistics> layers, int next, int total) {
        if (next == layers.size()) {
            return total == 0 ? 0 : Double.POSITIVE_INFINITY;
        }
        double least = Double.POSITIVE_INFINITY;
        for (int k = 1; k <= Math.min(total, layers.get(next).experts()); k++) {
            least = Math.min(least, share(layers.get(next), k) + least(layers, next + 1, total - k));
        }
        return least;
    }

    @Property(tries = 40)
    void anAdaptiveBudgetSpendsTheTotalWithTheLeastLossOfAllWays(
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 3) int count,
            @ForAll @IntRange(min = 2, max = 6) int experts,
            @ForAll @IntRange(min = 1, max = 6) int wanted) {
        int keep = Math.min(wanted, experts);
        List<LayerStatistics> layers = layers(seed, count, experts);
        SortedMap<Integer, Integer> clusters = adaptive(keep, Map.of(), 0).clusters(layers);
        assertThat(clusters.values().stream().mapToInt(k -> k).sum()).isEqualTo(keep * count);
        assertThat(clusters.values()).allMatch(k -> k >= 1 && k <= experts);
        double spent = layers.stream()
                .mapToDouble(layer -> share(layer, clusters.get(layer.layer())))
                .sum();
        assertThat(spent).isCloseTo(least(layers, 0, keep * count), within(1e-6));
    }

    @Test
    void exceptionsStayOutOfTheSharing() {
        List<LayerStatistics> layers = layers(4, 3, 8);
        var clusters = adaptive(4, Map.of(3, 8), 0).clusters(layers);
        assertThat(clusters.get(3)).isEqualTo(8);
        assertThat(clusters.get(1) + clusters.get(5)).isEqualTo(8);
    }

    @Test
    void aLargestClusterLimitsWhatALayerGives() {
        // the middle layer has eight alike: by itself it would keep one
        var layers = new ArrayList<>(layers(4, 3, 8));
        layers.set(1, Samples.evidence(3, Samples.logits(new Random(1), 30, 8, 1), 8));
        assertThat(adaptive(4, Map.of(), 3).clusters(layers).values()).allMatch(k -> k >= 3);
        assertThatThrownBy(() -> adaptive(2, Map.of(), 3).clusters(layers))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("Keep 9 to 24");
    }

    @Test
    void equalCostsAreTakenFromTheLowerLayerFirst() {
        float[] logits = Samples.logits(new Random(2), 30, 6, 3);
        var layers = List.of(Samples.evidence(1, logits, 6), Samples.evidence(3, logits, 6));
        var clusters = new Budget(Budget.Sharing.ADAPTIVE, 4, new TreeMap<>(Map.of()), 0).clusters(layers);
        assertThat(clusters.get(1) + clusters.get(3)).isEqualTo(8);
        assertThat(clusters.get(3) - clusters.get(1)).isBetween(0, 1);
    }

    @Test
    void whatCannotBeKeptIsRefused() {
        List<LayerStatistics> layers = layers(1, 2, 6);
        assertRefused(Budget.uniform(7), layers, "Layer 1", "K = 7", "E = 6");
        assertRefused(adaptive(7, Map.of(), 0), layers, "K = 7", "Keep 2 to 12");
        assertRefused(adaptive(0, Map.of(), 0), layers, "K = 0", "Keep 2 to 12");
        assertRefused(adaptive(3, Map.of(1, 9), 0), layers, "Layer 1", "K = 9");
        assertRefused(adaptive(3, Map.of(2, 3), 0), layers, "Layer 2", "[1, 3]");
        var tight = new Budget(Budget.Sharing.UNIFORM, 2, new TreeMap<>(), 2);
        assertRefused(tight, layers, "layer 1", "2 clusters of at most 2", "Keep 3 or more");
        assertThatThrownBy(() -> new Budget(Budget.Sharing.UNIFORM, 2, new TreeMap<>(), -1))
                .isInstanceOf(UserError.class);
        assertThatThrownBy(() -> Budget.Sharing.named("adaptiv"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("Did you mean adaptive?");
    }

    private static void assertRefused(Budget budget, List<LayerStatistics> layers, String... parts) {
        assertThatThrownBy(() -> budget.clusters(layers))
                .isInstanceOf(UserError.class)
                .hasMessageContainingAll(parts)
                .extracting(e -> ((UserError) e).kind())
                .isEqualTo(UserError.Kind.USAGE);
    }
}

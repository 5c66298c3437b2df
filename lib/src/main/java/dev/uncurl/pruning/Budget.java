package dev.uncurl.pruning;

import dev.uncurl.clustering.CanonicalGram;
import dev.uncurl.clustering.Clusterer;
import dev.uncurl.clustering.Dendrogram;
import dev.uncurl.clustering.Linkage;
import dev.uncurl.error.Nearest;
import dev.uncurl.error.UserError;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * How many experts the layers keep.
 *
 * @param keep K, experts to keep in the layers without an exception: in each, or on average
 * @param exceptions experts to keep in single layers, by layer
 * @param maxCluster the most experts that may go into one; 0: any number
 */
public record Budget(Sharing sharing, int keep, SortedMap<Integer, Integer> exceptions, int maxCluster) {
    /** How the layers without an exception share what they keep. */
    public enum Sharing {
        /** Each keeps K. */
        UNIFORM,
        /**
         * L layers keep K * L together. Each begins with all its experts; the (E - K) * L joins that cost least are
         * made, out of all layers. What the joins of a layer cost tells its Ward dendrogram of the router logits: the
         * rise of inertia, as a share of the layer's inertia with one cluster. Of equal costs the lower layer's counts
         * first. Since Ward's joins cost ever more, this is the least sum of those shares that his dendrograms can give.
         */
        ADAPTIVE;

        /** As on the command line. */
        public String id() {
            return name().toLowerCase(Locale.ROOT);
        }

        /** @throws UserError (usage) with the nearest name when there is no such budget */
        public static Sharing named(String id) {
            return Arrays.stream(values())
                    .filter(sharing -> sharing.id().equals(id))
                    .findFirst()
                    .orElseThrow(() -> UserError.usage("There is no budget " + id, Nearest.hint(id, ids())));
        }

        /** The names that {@link #named} takes. */
        public static List<String> ids() {
            return Arrays.stream(values()).map(Sharing::id).toList();
        }
    }

    public Budget {
        exceptions = Collections.unmodifiableSortedMap(new TreeMap<>(exceptions));
        if (maxCluster < 0) {
            throw UserError.usage("Clusters of " + maxCluster + " experts are not possible", "Choose 1 or more, or 0.");
        }
    }

    /** The same K in every layer, clusters of any size. */
    public static Budget uniform(int keep) {
        return new Budget(Sharing.UNIFORM, keep, Collections.emptySortedMap(), 0);
    }

    /**
     * The number of clusters of every layer.
     *
     * @throws UserError (usage) when a K is not between 1 and E, there is no such layer as an exception names, or E
     *     experts do not fit into K clusters of the largest size
     */
    SortedMap<Integer, Integer> clusters(List<LayerStatistics> layers) {
        var known = layers.stream().map(LayerStatistics::layer).toList();
        for (int layer : exceptions.keySet()) {
            if (!known.contains(layer)) {
                throw UserError.usage(
                        "Layer " + layer + " has no experts to keep " + exceptions.get(layer) + " of",
                        "Name layers of " + known + ".");
            }
        }
        var free = layers.stream()
                .filter(layer -> !exceptions.containsKey(layer.layer()))
                .toList();
        var clusters = new TreeMap<>(exceptions);
        clusters.putAll(
                sharing == Sharing.ADAPTIVE
                        ? shared(free)
                        : free.stream().collect(Collectors.toMap(LayerStatistics::layer, layer -> keep)));
        for (LayerStatistics layer : layers) {
            int count = clusters.get(layer.layer());
            try {
                Clusterer.checkClusters(count, layer.experts());
            } catch (UserError userError) {
                throw userError.at("Layer " + layer.layer());
            }
            if (count < fewest(layer)) {
                throw UserError.usage(
                        "The " + layer.experts() + " experts of layer " + layer.layer() + " do not fit into " + count
                                + " clusters of at most " + maxCluster,
                        "Keep " + fewest(layer) + " or more, or allow larger clusters.");
            }
        }
        return clusters;
    }

    private int fewest(LayerStatistics layer) {
        return maxCluster == 0 ? 1 : (layer.experts() + maxCluster - 1) / maxCluster;
    }

    /** One join of one layer. */
    private record Join(int layer, double cost) {}

    private Map<Integer, Integer> shared(List<LayerStatistics> layers) {
        var joins = new ArrayList<Join>();
        var clusters = new TreeMap<Integer, Integer>();
        int surplus = 0;
        for (LayerStatistics layer : layers) {
            clusters.put(layer.layer(), layer.experts());
            surplus += layer.experts() - keep;
            List<Dendrogram.Merge> merges =
                    Linkage.WARD.dendrogram(CanonicalGram.of(layer.gram())).merges();
            double total = merges.stream().mapToDouble(Dendrogram.Merge::height).sum();
            for (Dendrogram.Merge merge : merges.subList(0, layer.experts() - fewest(layer))) {
                joins.add(new Join(layer.layer(), total == 0 ? 0 : merge.height() / total));
            }
        }
        if (surplus < 0 || surplus > joins.size()) {
            int all = clusters.values().stream().mapToInt(Integer::intValue).sum();
            throw UserError.usage(
                    "K = " + keep + " experts in the mean of " + layers.size() + " layers cannot be kept of " + all,
                    "Keep " + (all - joins.size()) + " to " + all + " in all"
                            + (maxCluster == 0 ? "." : ", or allow clusters of more than " + maxCluster + "."));
        }
        joins.sort(Comparator.comparingDouble(Join::cost)); // stable: of equal costs the lower layer's
        joins.subList(0, surplus).forEach(join -> clusters.merge(join.layer, -1, Integer::sum));
        return clusters;
    }
}

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
 * The number of experts that each layer keeps.
 *
 * @param keep K, experts to keep in the layers without an exception: in each layer, or on average
 * @param exceptions experts to keep in particular layers, by layer
 * @param maxCluster maximal size of a cluster; 0: no limit
 */
public record Budget(Sharing sharing, int keep, SortedMap<Integer, Integer> exceptions, int maxCluster) {
    /** How the experts to keep are distributed over the layers without an exception. */
    public enum Sharing {
        /** Each layer keeps K. */
        UNIFORM,
        /**
         * L layers keep K * L experts in total. Each layer starts with all its experts. Then the (E - K) * L cheapest
         * joins of all layers are made. The joins of a layer are those of the Ward dendrogram of its router logits; the
         * cost of a join is the increase of inertia, divided by the layer's inertia with one cluster. If costs are equal,
         * the join of the lower layer comes first. The costs of Ward's joins never decrease, so this minimises the sum of
         * the costs.
         */
        ADAPTIVE;

        /** The name on the command line. */
        public String id() {
            return name().toLowerCase(Locale.ROOT);
        }

        /** @throws UserError (usage) if there is no such budget; suggests the nearest name */
        public static Sharing named(String id) {
            return Arrays.stream(values())
                    .filter(sharing -> sharing.id().equals(id))
                    .findFirst()
                    .orElseThrow(() -> UserError.usage("There is no budget " + id, Nearest.hint(id, ids())));
        }

        /** The names that {@link #named} accepts. */
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
     * @throws UserError (usage) if a K is not between 1 and E, an exception names a layer without experts, or E experts do
     *     not fit into K clusters of at most {@code maxCluster}
     */
    SortedMap<Integer, Integer> clusters(List<LayerStatistics> layers) {
        var withExperts = layers.stream().map(LayerStatistics::layer).toList();
        for (int layer : exceptions.keySet()) {
            if (!withExperts.contains(layer)) {
                throw UserError.usage(
                        "Layer " + layer + " has no experts, so it cannot keep " + exceptions.get(layer) + " of them",
                        "The layers with experts are " + withExperts + ".");
            }
        }
        var unfixed = layers.stream()
                .filter(layer -> !exceptions.containsKey(layer.layer()))
                .toList();
        var byLayer = new TreeMap<>(exceptions);
        byLayer.putAll(
                sharing == Sharing.ADAPTIVE
                        ? adaptive(unfixed)
                        : unfixed.stream().collect(Collectors.toMap(LayerStatistics::layer, layer -> keep)));
        for (LayerStatistics layer : layers) {
            int clusters = byLayer.get(layer.layer());
            try {
                Clusterer.checkClusters(clusters, layer.experts());
            } catch (UserError e) {
                throw e.at("Layer " + layer.layer());
            }
            if (clusters < minimum(layer)) {
                throw UserError.usage(
                        "The " + layer.experts() + " experts of layer " + layer.layer() + " do not fit into " + clusters
                                + " clusters of at most " + maxCluster,
                        "Keep " + minimum(layer) + " or more, or allow larger clusters.");
            }
        }
        return byLayer;
    }

    /** The fewest clusters that the size limit allows. */
    private int minimum(LayerStatistics layer) {
        return maxCluster == 0 ? 1 : (layer.experts() + maxCluster - 1) / maxCluster;
    }

    /** A join of two clusters of one layer. */
    private record Join(int layer, double cost) {}

    private Map<Integer, Integer> adaptive(List<LayerStatistics> layers) {
        var joins = new ArrayList<Join>();
        var byLayer = new TreeMap<Integer, Integer>();
        int surplus = 0;
        for (LayerStatistics layer : layers) {
            byLayer.put(layer.layer(), layer.experts());
            surplus += layer.experts() - keep;
            List<Dendrogram.Merge> merges =
                    Linkage.WARD.dendrogram(CanonicalGram.of(layer.gram())).merges();
            double total = merges.stream().mapToDouble(Dendrogram.Merge::height).sum();
            for (Dendrogram.Merge merge : merges.subList(0, layer.experts() - minimum(layer))) {
                joins.add(new Join(layer.layer(), total == 0 ? 0 : merge.height() / total));
            }
        }
        if (surplus < 0 || surplus > joins.size()) {
            int all = byLayer.values().stream().mapToInt(Integer::intValue).sum();
            throw UserError.usage(
                    "An average of K = " + keep + " experts in each of " + layers.size() + " layers cannot be kept of "
                            + all + " experts",
                    "Keep " + (all - joins.size()) + " to " + all + " in all"
                            + (maxCluster == 0 ? "." : ", or allow clusters of more than " + maxCluster + "."));
        }
        joins.sort(Comparator.comparingDouble(Join::cost)); // stable: if costs are equal, the lower layer first
        joins.subList(0, surplus).forEach(join -> byLayer.merge(join.layer, -1, Integer::sum));
        return byLayer;
    }
}

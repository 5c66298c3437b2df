package dev.uncurl.pruning;

import dev.uncurl.clustering.Labels;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Converts cluster labels to the rows of a plan. */
final class LayerPlan {
    private LayerPlan() {}

    /**
     * The reference of a cluster is its most activated member; of equal ones the lower id.
     *
     * @param labels result of a {@link PruningMethod}
     */
    static List<ExpertAssignment> rows(LayerStatistics layer, int[] labels, MergeWeights weights) {
        int experts = layer.experts();
        int[] clusters = Labels.canonical(labels);
        int[] references = references(layer, clusters);
        double[] totals = new double[references.length];
        int[] sizes = new int[references.length];
        double[] masses = new double[experts];
        for (int e = 0; e < experts; e++) {
            int cluster = clusters[e];
            if (cluster >= 0) {
                masses[e] = weights.mass(layer.statistics(), e, references[cluster] == e);
                totals[cluster] += masses[e];
                sizes[cluster]++;
            }
        }
        var rows = new ArrayList<ExpertAssignment>(experts);
        for (int e = 0; e < experts; e++) {
            int cluster = clusters[e];
            if (cluster < 0) {
                rows.add(new ExpertAssignment(layer.layer(), e, ExpertAssignment.DROPPED, 0, false));
            } else {
                double weight = totals[cluster] == 0 ? 1.0 / sizes[cluster] : masses[e] / totals[cluster];
                rows.add(new ExpertAssignment(layer.layer(), e, cluster, weight, references[cluster] == e));
            }
        }
        return rows;
    }

    /**
     * @param clusters cluster of each expert, 0 to K - 1, or {@link ExpertAssignment#DROPPED}
     * @return the most activated expert of each cluster; of equal ones the lower id
     */
    static int[] references(LayerStatistics layer, int[] clusters) {
        int[] references = new int[Arrays.stream(clusters).max().orElseThrow() + 1];
        Arrays.fill(references, -1);
        for (int e = 0; e < clusters.length; e++) {
            int cluster = clusters[e];
            if (cluster >= 0
                    && (references[cluster] < 0
                            || layer.statistics().choices(e)
                                    > layer.statistics().choices(references[cluster]))) {
                references[cluster] = e;
            }
        }
        return references;
    }
}

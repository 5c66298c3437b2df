package dev.uncurl.pruning;

import dev.uncurl.routing.RouterGram;

/**
 * The grouping of M-SMoE (Li et al., "Merge, Then Compress", arXiv 2310.01334). The K most activated experts of the layer are
 * dominant; of equal activations, the lower id comes first. Each other expert joins the dominant expert with the highest
 * cosine of router logits; of equal cosines, the more activated dominant expert. A column of zeros has cosine 0 with all.
 */
final class MSmoeGrouping implements PruningMethod {
    @Override
    public int[] assignClusters(LayerStatistics layer, int clusters, long seed) {
        layer.requireTokens();
        int[] dominant = TopScorePruning.highest(layer, layer.statistics()::choices, clusters);
        int[] labels = new int[layer.experts()];
        for (int e = 0; e < labels.length; e++) {
            labels[e] = nearest(layer.gram(), e, dominant);
        }
        for (int e : dominant) {
            labels[e] = e;
        }
        return labels;
    }

    private static int nearest(RouterGram gram, int expert, int[] dominant) {
        int nearest = dominant[0];
        double highest = Double.NEGATIVE_INFINITY;
        for (int candidate : dominant) {
            double cosine = cosine(gram, expert, candidate);
            if (cosine > highest) {
                highest = cosine;
                nearest = candidate;
            }
        }
        return nearest;
    }

    private static double cosine(RouterGram gram, int i, int j) {
        double lengths = Math.sqrt(gram.at(i, i)) * Math.sqrt(gram.at(j, j));
        return lengths == 0 ? 0 : gram.at(i, j) / lengths;
    }
}

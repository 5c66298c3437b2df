package dev.uncurl.pruning;

import dev.uncurl.routing.RouterGram;

/**
 * The K most activated experts are dominant; each other expert goes to the dominant one whose router logits have the
 * highest cosine with its own: the grouping of M-SMoE (Li et al., "Merge, Then Compress", arXiv 2310.01334). Which K are
 * dominant is decided in each layer, ties to the lower id; of equal cosines the more activated expert attracts. A column
 * of zeros has cosine 0 with all.
 */
final class MSmoeGrouping implements PruningMethod {
    @Override
    public int[] assignClusters(LayerStatistics evidence, int keep, long seed) {
        evidence.requireTokens();
        int[] dominant = TopScorePruning.highest(evidence, evidence.statistics()::choices, keep);
        int[] labels = new int[evidence.experts()];
        for (int e = 0; e < labels.length; e++) {
            labels[e] = nearest(evidence.gram(), e, dominant);
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

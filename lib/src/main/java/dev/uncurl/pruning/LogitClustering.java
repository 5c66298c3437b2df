package dev.uncurl.pruning;

import dev.uncurl.clustering.Clusterer;

/** Experts go together whose router logits on the task are alike: a clustering of the columns of H. */
record LogitClustering(Clusterer clusterer) implements PruningMethod {
    @Override
    public int[] assignClusters(LayerStatistics evidence, int keep, long seed) {
        evidence.requireTokens();
        return clusterer.assignClusters(evidence.gram(), keep, seed);
    }
}

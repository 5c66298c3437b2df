package dev.uncurl.pruning;

import dev.uncurl.clustering.Clusterer;

/** Clusters the columns of the router logits of the task: merges experts with similar router logits. */
record LogitClustering(Clusterer clusterer) implements PruningMethod {
    @Override
    public int[] assignClusters(LayerStatistics layer, int clusters, long seed) {
        layer.requireTokens();
        return clusterer.assignClusters(layer.gram(), clusters, seed);
    }
}

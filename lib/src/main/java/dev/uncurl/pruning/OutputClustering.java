package dev.uncurl.pruning;

import dev.uncurl.clustering.Clusterer;
import dev.uncurl.error.UserError;
import dev.uncurl.routing.RouterGram;

/**
 * Clusters experts by the Euclidean distance of their mean outputs on common tokens. With average linkage this is
 * HC-SMoE (Chen et al., "Retraining-Free Merging of Sparse MoE via Hierarchical Clustering", arXiv 2410.08589).
 */
record OutputClustering(Clusterer clusterer) implements PruningMethod {
    /** @throws UserError (input) if the outputs were not dumped */
    @Override
    public int[] assignClusters(LayerStatistics layer, int clusters, long seed) {
        RouterGram outputs = layer.outputs()
                .filter(gram -> gram.tokens() > 0)
                .orElseThrow(() -> UserError.input(
                        "There are no outputs of the experts on common tokens",
                        "Run dump-logits for this model and task with --outputs N, N tokens."));
        return clusterer.assignClusters(outputs, clusters, seed);
    }
}

package dev.uncurl.pruning;

import dev.uncurl.clustering.Clusterer;
import dev.uncurl.error.UserError;
import dev.uncurl.routing.RouterGram;

/**
 * Experts go together whose mean outputs on common tokens are alike by Euclidean distance. With average linkage it is
 * HC-SMoE (Chen et al., "Retraining-Free Merging of Sparse MoE via Hierarchical Clustering", arXiv 2410.08589).
 */
record OutputClustering(Clusterer clusterer) implements PruningMethod {
    /** @throws UserError (input) when the outputs were not dumped */
    @Override
    public int[] assignClusters(LayerStatistics evidence, int keep, long seed) {
        RouterGram outputs = evidence.outputs()
                .filter(gram -> gram.tokens() > 0)
                .orElseThrow(() -> UserError.input(
                        "There are no outputs of the experts on common tokens",
                        "Run dump-logits for this model and task with --outputs N, N tokens."));
        return clusterer.assignClusters(outputs, keep, seed);
    }
}

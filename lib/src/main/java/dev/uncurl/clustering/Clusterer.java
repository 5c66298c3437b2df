package dev.uncurl.clustering;

import dev.uncurl.error.UserError;
import dev.uncurl.routing.RouterGram;

/** Partitions E columns into exactly K clusters, given their Gram matrix. */
@FunctionalInterface
public interface Clusterer {
    /**
     * A pure function: the same arguments give the same labels.
     *
     * @param clusters K, 1 to E
     * @param seed of the random draws, if there are any
     * @return the cluster of each column, 0 to K - 1; none is empty
     * @throws UserError (input) if this method cannot form K clusters of these columns
     */
    int[] cluster(CanonicalGram columns, int clusters, long seed);

    /**
     * Assigns each expert to a cluster. The clusters do not depend on the ids of the experts (see
     * {@link CanonicalGram}).
     *
     * @return the cluster of each expert; clusters are numbered by their lowest member
     * @throws UserError (usage) if K is not between 1 and E
     */
    default int[] assignClusters(RouterGram gram, int clusters, long seed) {
        checkClusters(clusters, gram.experts());
        CanonicalGram columns = CanonicalGram.of(gram);
        return columns.byExpert(cluster(columns, clusters, seed));
    }

    /** @throws UserError (usage) unless {@code clusters} is between 1 and {@code experts} */
    static void checkClusters(int clusters, int experts) {
        if (clusters < 1 || clusters > experts) {
            throw UserError.usage(
                    "K = " + clusters + " experts cannot be kept of E = " + experts,
                    "Choose K between 1 and " + experts + ".");
        }
    }
}

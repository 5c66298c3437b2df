package dev.uncurl.clustering;

import dev.uncurl.error.UserError;
import dev.uncurl.routing.RouterGram;

/** A way to part the E columns that a Gram matrix tells of into exactly K clusters. */
@FunctionalInterface
public interface Clusterer {
    /**
     * A pure function: the same arguments give the same labels.
     *
     * @param clusters K, 1 to E
     * @param seed for those that draw
     * @return the cluster of each column, 0 to K - 1; none is empty
     * @throws UserError (input) when this way cannot give K clusters of these columns
     */
    int[] cluster(CanonicalGram columns, int clusters, long seed);

    /**
     * The clusters of the experts. They do not depend on how the experts happen to be numbered (see
     * {@link CanonicalGram}): relabelling the experts relabels the result, to the bit.
     *
     * @return the cluster of each expert; clusters are numbered by their lowest member
     * @throws UserError (usage) when K is not between 1 and E
     */
    default int[] assignClusters(RouterGram gram, int clusters, long seed) {
        checkClusters(clusters, gram.experts());
        CanonicalGram columns = CanonicalGram.of(gram);
        return columns.byExpert(cluster(columns, clusters, seed));
    }

    /** @throws UserError (usage) when {@code experts} cannot be parted into {@code clusters} */
    static void checkClusters(int clusters, int experts) {
        if (clusters < 1 || clusters > experts) {
            throw UserError.usage(
                    "K = " + clusters + " experts cannot be kept of E = " + experts,
                    "Choose K between 1 and " + experts + ".");
        }
    }
}

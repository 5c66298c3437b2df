package dev.uncurl.pruning;

/** Decides which experts of one layer are merged or dropped. A pure function: equal arguments give equal results. */
@FunctionalInterface
public interface PruningMethod {
    /**
     * @param clusters K, the number of experts of the pruned layer, 1 to E
     * @param seed for methods that use random numbers
     * @return the label of each expert's cluster (K different labels), or {@link ExpertAssignment#DROPPED}
     */
    int[] assignClusters(LayerStatistics layer, int clusters, long seed);
}

package dev.uncurl.pruning;

/** Decides which experts of one layer go together, and which go. A pure function: the same arguments, the same answer. */
@FunctionalInterface
public interface PruningMethod {
    /**
     * @param keep K, experts that the pruned layer has, 1 to E
     * @param seed for methods that draw
     * @return for each expert the cluster it goes into, K different numbers in all, or {@link ExpertAssignment#DROPPED}
     */
    int[] assignClusters(LayerStatistics evidence, int keep, long seed);
}

package dev.uncurl.pruning;

import java.util.List;

/** Decides what becomes of the experts of one layer. A pure function: the same arguments give the same rows. */
@FunctionalInterface
public interface PruningMethod {
    /**
     * @param keep K, experts that the pruned layer has, 1 to E
     * @param seed for methods that draw
     * @return one row per expert, in ascending order
     */
    List<Assignment> assign(LayerEvidence evidence, int keep, long seed);
}

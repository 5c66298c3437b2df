package dev.uncurl.pruning;

/**
 * The cluster and merge weight of one expert in a plan: a row of table pruning.assignments.
 *
 * <p>The experts of the pruned layer are its clusters 0, 1, ..., K-1, numbered by their lowest member. Methods that
 * merge assign every expert to a cluster. Methods that drop experts make each kept expert a cluster of one member; dropped
 * experts have cluster {@value #DROPPED} and weight 0.
 *
 * @param layer block of the model, counted from 0
 * @param expert index in the unpruned layer
 * @param cluster index of the expert of the pruned layer into which this one is merged, or {@value #DROPPED}
 * @param weight factor in the weighted mean of the cluster; the weights of a cluster sum to 1
 * @param isReference whether the other members of the cluster are aligned to this one; true for one member of each cluster
 */
public record ExpertAssignment(int layer, int expert, int cluster, double weight, boolean isReference)
        implements java.io.Serializable {
    public static final int DROPPED = -1;

    public boolean isDropped() {
        return cluster == DROPPED;
    }
}

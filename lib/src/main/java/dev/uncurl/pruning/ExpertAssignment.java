package dev.uncurl.pruning;

/**
 * What becomes of one expert: a row of table pruning.assignments.
 *
 * <p>The experts of the pruned layer are its clusters 0, 1, ..., K-1, numbered by their lowest member. Methods that
 * merge put every expert into a cluster. Methods that drop experts keep each survivor as a cluster of its own and give
 * the dropped ones the cluster {@value #DROPPED} and weight 0.
 *
 * @param layer block of the model, counted from 0
 * @param expert expert of the unpruned layer
 * @param cluster expert of the pruned layer that this one goes into, or {@value #DROPPED}
 * @param weight its share in the merged expert; the weights of a cluster sum to 1
 * @param isReference whether the others of the cluster are aligned to this one; true for one member of each cluster
 */
public record ExpertAssignment(int layer, int expert, int cluster, double weight, boolean isReference)
        implements java.io.Serializable {
    public static final int DROPPED = -1;

    public boolean isDropped() {
        return cluster == DROPPED;
    }
}

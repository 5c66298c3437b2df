package dev.uncurl.kernel;

/**
 * Solves the linear assignment problem exactly: assigns each row its own column such that the sum of scores is maximal.
 */
public interface LinearAssignment {
    /**
     * Computed in double, whatever the type of the scores. If several assignments have the maximal sum, which one is
     * returned depends on the scores only: the same scores give the same answer.
     *
     * @param scores [n, n], all finite; unchanged
     * @return the column of each row
     */
    int[] maximize(Matrix scores);
}

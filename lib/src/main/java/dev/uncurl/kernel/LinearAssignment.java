package dev.uncurl.kernel;

/** The linear assignment problem, exactly: one column for each row such that the sum of the chosen scores is highest. */
public interface LinearAssignment {
    /**
     * Solved in double, whatever the type of the scores. Where several assignments have the highest sum, the scores alone
     * decide which one is given: the same scores, the same answer.
     *
     * @param scores [n, n], all finite; unchanged
     * @return the column of each row
     */
    int[] maximize(Matrix scores);
}

package dev.uncurl.model;

/** Passes the rows of one block through its experts, wherever these are. */
sealed interface BlockExperts permits LocalExperts, DividedExperts {
    /** Rows for which there is memory now. */
    int room();

    /**
     * To be called for each batch, after its assignments are sorted.
     *
     * @param dispatch the sorted assignments of this rank
     * @param counts {@link Dispatch#count} of every rank
     * @param capacity maximal number of assignments per expert, over all ranks
     * @param rooms {@link #room} of every rank
     * @param peers the ranks
     */
    void prepare(Dispatch dispatch, double[][] counts, int capacity, double[] rooms, Peers peers);

    /** Writes the output of each row of {@code block.dispatched} to {@code block.expertOutput}. */
    void forward(Buffers.Block block);

    /**
     * Overwrites the gradients of the experts' parameters, and {@code block.expertOutput} by the gradients of the inputs.
     *
     * @param block as after {@link #forward}
     * @param buffers has the gradients of the outputs in {@link Buffers#dExpertOutput}
     */
    void backward(Buffers.Block block, Buffers buffers);

    /**
     * Passes each row of {@code block.dispatched} through every expert. To be called between {@link #prepare} and
     * {@link #forward}.
     *
     * @param rows their number on this rank
     * @return [E][D] sum of each expert's outputs for the rows of this rank
     */
    double[][] sums(int rows, Buffers.Block block, Buffers buffers);
}

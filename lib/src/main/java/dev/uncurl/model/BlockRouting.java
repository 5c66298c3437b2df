package dev.uncurl.model;

import dev.uncurl.kernel.Matrix;

/**
 * How the tokens of a batch go to the experts of one block and back: on the host, or by kernels in a device's memory. N tokens, R
 * router rows, k choices, S slots. For each batch the methods are called in their order here, the backward ones in training.
 */
sealed interface BlockRouting extends AutoCloseable permits HostRouting, KernelRouting {
    /** Losses over the tokens of all ranks. */
    RouterLosses losses();

    /** The slots of the assignments that are kept, by expert. */
    Dispatch dispatch();

    /**
     * Chooses rows for each token. The first values of {@code own} become {@link RouterLosses#put this rank's statistics},
     * and then the number of assignments [k, E] by choice and expert.
     *
     * @param x [N, D]
     * @param scratch [N, R]
     * @throws dev.uncurl.error.UserError (input) if a logit is not finite
     */
    void choose(TokenBatch batch, Matrix x, Matrix scratch, double[] own);

    /**
     * Gives slots to the assignments; see {@link Dispatch#sort}.
     *
     * @param counts assignments [k, E] of every rank
     */
    void sort(int tokens, int capacity, double[][] counts, int rank);

    /** rows [S, D] = x [N, D] by slot. */
    void dispatch(Matrix x, Matrix rows);

    /** target [N, D] = base + for each choice, gate * outputs [S, D] of its slot. */
    void combine(Matrix base, Matrix outputs, Matrix target);

    /** dOutputs [S, D] = gate * dTarget [N, D] by slot. */
    void backwardCombine(Matrix dTarget, Matrix outputs, Matrix dOutputs);

    /** dx [N, D] = the sum over choices of dRows [S, D] of their slots. */
    void backwardDispatch(Matrix dRows, Matrix dx);

    /** Overwrites the gradient of the router's weights and adds to {@code dx} [N, D]. */
    void backwardChoose(Matrix x, Matrix scratch, Matrix dx);

    float logit(int token, int row);

    /** Router row; -1 for padding. */
    int row(int token, int choice);

    double gate(int token, int choice);

    /** The slot that contains the choice's part of the output; -1 for padding, a zeroed row and a dropped choice. */
    int slot(int token, int choice);

    /** Of the output in a slot. */
    double squaredNorm(int slot);

    /** Choices of each row [R], dropped ones too; a copy. */
    int[] counts();

    @Override
    void close();
}

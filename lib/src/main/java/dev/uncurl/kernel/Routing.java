package dev.uncurl.kernel;

/**
 * The routing of one block's tokens to its experts in the memory of a device: the host sees sums and counts, the choices stay
 * where the matrices are. N tokens, R rows of the router, E experts, k choices of a token, S slots of assignments, sorted by
 * expert. The results are those of the same routing on the host; each batch goes through the methods in their order here.
 */
public interface Routing extends AutoCloseable {
    /**
     * What is the same for all batches.
     *
     * @param maxTokens of a batch
     * @param choices k
     * @param experts E
     * @param renormalize whether gates are divided by their sum
     * @param expertOfRow [R] the expert of each row; -1 if the row is never chosen, -2 if it is chosen and leads nowhere
     */
    record Shape(int maxTokens, int choices, int experts, boolean renormalize, int[] expertOfRow) {
        public int rows() {
            return expertOfRow.length;
        }

        /** Whether some rows lead to no expert. */
        public boolean isPartlyLive() {
            for (int expert : expertOfRow) {
                if (expert < 0) {
                    return true;
                }
            }
            return false;
        }
    }

    /**
     * Sums over the tokens that are not padding.
     *
     * @param finite whether all logits are finite; otherwise the rest means nothing
     * @param squares sum of the squares of logsumexp
     * @param chosen [R] choices of each row
     * @param probability [R] sum of the softmax over the rows that lead to experts
     * @param assigned [k, E] assignments by choice and expert; choices of a token that lead to the same expert are one
     */
    record Sums(boolean finite, double squares, int[] chosen, double[] probability, double[] assigned) {}

    /** Decisions of the last batch, on the host. @param slots [k, N]; -1 where a choice has none */
    record Decisions(float[] logits, int[] chosen, double[] shares, int[] slots, double[] squaredNorms) {}

    /** Where the next batch's logits [N, R] are to be written. */
    Matrix logits(int tokens);

    /**
     * The k largest logits of each token, ties to the lower row.
     *
     * @param tokens [N] negative for padding; null if there is none
     */
    Sums choose(int[] tokens);

    /**
     * Gives slots to the assignments, by expert, and within an expert by token. Of the assignments by each choice the first are
     * kept.
     *
     * @param kept [k, E] how many
     * @param start [E + 1] the first slot of each expert
     */
    void sort(int[] kept, int[] start);

    /** rows [S, D] = x [N, D] by slot. */
    void dispatch(Matrix x, Matrix rows);

    /** target [N, D] = base + for each choice, gate * outputs [S, D] of its slot; keeps the norms of the outputs. */
    void combine(Matrix base, Matrix outputs, Matrix target);

    /** dOutputs [S, D] = gate * dTarget [N, D] by slot, and the gradients of the gates. */
    void backwardCombine(Matrix dTarget, Matrix outputs, Matrix dOutputs);

    /** dx [N, D] = the sum over choices of dRows [S, D] of their slots. */
    void backwardDispatch(Matrix dRows, Matrix dx);

    /**
     * @param slopes [R] derivative of the balance loss by a token's probability of each row
     * @param slope of the z-loss by a token's logsumexp, divided by it
     * @param dLogits [N, R], written
     */
    void backwardChoose(double[] slopes, double slope, Matrix dLogits);

    /** Waits for the device. */
    Decisions decisions();

    /** Releases the memory. */
    @Override
    void close();
}

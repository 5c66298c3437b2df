package dev.uncurl.kernel;

import java.util.List;

/**
 * The sizes of the largest pass of a model, from which kernels know how much memory they need beside its matrices.
 *
 * @param tokens N of a batch
 * @param positions T of a sequence
 * @param width D
 * @param heads H of attention
 * @param feedForward F
 * @param vocabulary V
 * @param logitRows P positions whose logits are computed at a time
 * @param expertRows rows of all experts of a block together, as far as they can be known before routing; 0 without experts
 * @param parameters of the model that are in the kernels' memory
 * @param gatheredRows most rows of a gather, beside those of tokens and experts
 * @param training whether there are backward passes
 * @param routings of the blocks with experts
 */
public record PassShape(
        int tokens,
        int positions,
        int width,
        int heads,
        int feedForward,
        int vocabulary,
        int logitRows,
        int expertRows,
        long parameters,
        int gatheredRows,
        boolean training,
        List<Routing.Shape> routings) {
    public PassShape {
        if (tokens < 1 || positions < 1 || logitRows < 1 || expertRows < 0 || gatheredRows < 0) {
            throw new IllegalArgumentException("A pass over " + tokens + " tokens, " + positions + " positions, "
                    + logitRows + " rows of logits, " + expertRows + " rows of experts");
        }
        routings = List.copyOf(routings);
    }

    /** Rows of the widest feed-forward network: of a dense block, of all experts of a block, or of an expert with every token. */
    public int feedForwardRows() {
        return Math.max(tokens, expertRows);
    }
}

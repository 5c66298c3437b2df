package dev.uncurl.kernel;

import java.util.List;

/**
 * Causal self-attention, softmax(Q K^T / sqrt(D/H)) V for every head of B sequences of T positions. The forward pass
 * keeps only the logsumexp of each row of scores; the backward pass recomputes the scores (Dao et al. 2022). Memory
 * therefore grows with T, not with T^2.
 */
public interface Attention {
    /**
     * @param shape sequences, positions and heads; N = B * T
     * @param qkv [N, 3D]: queries, keys, values side by side, heads contiguous in each
     * @param logSumExp [N, H], written
     * @param output [N, D], written
     */
    void forward(Shape shape, Matrix qkv, Matrix logSumExp, Matrix output);

    /** Overwrites {@code dQkv} [N, 3D], given what the forward pass had and wrote, and the gradient of the output [N, D]. */
    void backward(Shape shape, Matrix qkv, Matrix logSumExp, Matrix output, Matrix dOutput, Matrix dQkv);

    /**
     * The forward pass over segments of sequences, of which several may have the same beginning. In {@link
     * dev.uncurl.kernel.vector.VectorKernels} the bits of a token's output depend on the tokens that it sees alone: a
     * sequence that is cut into a beginning and a segment has the outputs of the whole one.
     *
     * @param qkv [N, 3D], as above
     * @param output [N, D], the rows of the segments are written
     */
    void forward(Layout layout, Matrix qkv, Matrix output);

    /** B sequences of T positions, H heads. */
    record Shape(int sequences, int positions, int heads) {}

    /** Which rows are which tokens of which sequences. */
    record Layout(int heads, List<Segment> segments) {}

    /**
     * {@code count} consecutive tokens of a sequence, the rows from {@code from} on. Each sees those before it in the
     * segment, itself, and the {@code prefixCount} tokens before the segment, which are the rows from {@code prefix} on.
     */
    record Segment(int from, int count, int prefix, int prefixCount) {}
}

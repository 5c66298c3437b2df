package dev.uncurl.kernel;

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

    /** Overwrites {@code dQkv} [N, 3D], given the gradient of the output [N, D]. */
    void backward(Shape shape, Matrix qkv, Matrix logSumExp, Matrix dOutput, Matrix dQkv);

    /** B sequences of T positions, H heads. */
    record Shape(int sequences, int positions, int heads) {}
}

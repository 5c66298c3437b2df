package dev.uncurl.model;

import dev.uncurl.kernel.Attention;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;

/** Multi-head causal self-attention with its input projection c_attn [D, 3D] and output projection c_proj [D, D]. */
final class CausalSelfAttention {
    /** The attention of a forward pass: which tokens see which. */
    interface Heads {
        /** As {@link Attention#forward}. */
        void forward(Attention attention, Matrix qkv, Matrix logSumExp, Matrix output);
    }

    private final Kernels kernels;
    private final Parameter inWeight;
    private final Parameter inBias;
    private final Parameter outWeight;
    private final Parameter outBias;

    /** @param prefix prefix of the tensor names, such as {@code h.0.attn.} */
    CausalSelfAttention(Kernels kernels, Parameter.Source source, String prefix) {
        this.kernels = kernels;
        inWeight = source.get(prefix + "c_attn.weight");
        inBias = source.get(prefix + "c_attn.bias");
        outWeight = source.get(prefix + "c_proj.weight");
        outBias = source.get(prefix + "c_proj.bias");
    }

    /** Computes middle = input + projection(attention(normed1)), all [N, D]. */
    void forward(Heads heads, int tokens, Buffers.Block block, Matrix branch) {
        Matrix qkv = block.qkv().first(tokens);
        Matrix attended = block.attended().first(tokens);
        Matrix added = branch.first(tokens);
        kernels.matrixProduct().multiply(block.normed1().first(tokens), false, inWeight.value(), false, 0, qkv);
        kernels.bias().add(qkv, inBias.value());
        heads.forward(kernels.attention(), qkv, block.logSumExp().first(tokens), attended);
        kernels.matrixProduct().multiply(attended, false, outWeight.value(), false, 0, added);
        kernels.bias()
                .addResidual(
                        block.input().first(tokens),
                        added,
                        outBias.value(),
                        block.middle().first(tokens));
    }

    /**
     * Computes the gradient of normed1, in {@code buffers.dNormed}, from the gradient of middle, in {@code
     * buffers.dStream}; writes the gradients of the parameters.
     */
    void backward(Attention.Shape shape, int tokens, Buffers.Block block, Buffers buffers) {
        Matrix dMiddle = buffers.dStream.first(tokens);
        Matrix dAttended = buffers.dAttended.first(tokens);
        Matrix dQkv = buffers.dQkv.first(tokens);
        kernels.bias().columnSums(dMiddle, outBias.gradient());
        kernels.matrixProduct().multiply(block.attended().first(tokens), true, dMiddle, false, 0, outWeight.gradient());
        kernels.matrixProduct().multiply(dMiddle, false, outWeight.value(), true, 0, dAttended);
        kernels.attention()
                .backward(
                        shape,
                        block.qkv().first(tokens),
                        block.logSumExp().first(tokens),
                        block.attended().first(tokens),
                        dAttended,
                        dQkv);
        kernels.bias().columnSums(dQkv, inBias.gradient());
        kernels.matrixProduct().multiply(block.normed1().first(tokens), true, dQkv, false, 0, inWeight.gradient());
        kernels.matrixProduct().multiply(dQkv, false, inWeight.value(), true, 0, buffers.dNormed.first(tokens));
    }
}

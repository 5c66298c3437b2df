package dev.uncurl.model;

import dev.uncurl.kernel.Attention;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.model.PartClock.Part;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.ParameterLayout;

/**
 * A pre-LayerNorm block: x = x + attention(norm1(x)), then x = x + network(norm2(x)), where network is a dense
 * feed-forward network or a mixture of experts.
 */
final class DecoderBlock {
    private final Kernels kernels;
    private final PartClock clock;
    private final Buffers.Block block;
    private final LayerNorm norm1;
    private final CausalSelfAttention attention;
    private final LayerNorm norm2;
    private final DenseFeedForward dense;
    private final MixtureOfExperts mixture;

    /** @param divided the memory for rows of other ranks; null if this process has all experts */
    DecoderBlock(
            Kernels kernels,
            ModelConfig config,
            Parameter.Source source,
            int layer,
            int maxTokens,
            Buffers.Block block,
            PartClock clock,
            ExpertMemory divided) {
        this.kernels = kernels;
        this.clock = clock;
        this.block = block;
        String prefix = ParameterLayout.block(layer);
        norm1 = new LayerNorm(kernels, source, prefix + "ln_1.");
        attention = new CausalSelfAttention(kernels, source, prefix + "attn.");
        norm2 = new LayerNorm(kernels, source, prefix + "ln_2.");
        boolean moe = config.isMoe(layer);
        dense = moe ? null : new DenseFeedForward(kernels, source, prefix + "mlp.");
        mixture = moe ? new MixtureOfExperts(kernels, config, source, layer, maxTokens, clock, divided) : null;
    }

    void close() {
        if (mixture != null) {
            mixture.close();
        }
    }

    /** Returns the mixture of experts; null in a dense block. */
    MixtureOfExperts mixture() {
        return mixture;
    }

    /**
     * Computes the residual stream after the block.
     *
     * @param heads the attention of this pass
     * @param limited whether the capacity of experts is limited
     * @param peers the ranks whose tokens are routed together
     * @param outputs receives the sums of all experts' outputs; may be null
     * @param output [N, D] the residual stream after the block, overwritten
     */
    void forward(
            TokenBatch batch,
            CausalSelfAttention.Heads heads,
            Buffers buffers,
            boolean limited,
            Peers peers,
            ExpertOutputs outputs,
            Matrix output) {
        int tokens = batch.size();
        Matrix normed2 = block.normed2().first(tokens);
        norm1.forward(
                block.input().first(tokens),
                block.statistics1().first(tokens),
                block.normed1().first(tokens));
        clock.lap(Part.NORM);
        attention.forward(heads, tokens, block, buffers.branch);
        clock.lap(Part.ATTENTION);
        norm2.forward(block.middle().first(tokens), block.statistics2().first(tokens), normed2);
        clock.lap(Part.NORM);
        if (mixture != null) {
            mixture.route(batch, block, buffers, limited, peers);
            if (outputs != null) {
                mixture.sumOutputs(batch, block, buffers, outputs);
                clock.lap(Part.EXPERTS);
            }
            mixture.forward(block, output);
            return;
        }
        Matrix branch = buffers.branch.first(tokens);
        dense.forward(normed2, block.hidden().first(tokens), block.activated().first(tokens), branch);
        kernels.bias().addResidual(block.middle().first(tokens), branch, dense.outputBias(), output);
        clock.lap(Part.FEED_FORWARD);
    }

    /** Replaces the gradient of the block's output in {@code buffers.dStream} by the gradient of its input. */
    void backward(TokenBatch batch, Attention.Shape shape, Buffers buffers) {
        int tokens = batch.size();
        Matrix dStream = buffers.dStream.first(tokens);
        Matrix dNormed = buffers.dNormed.first(tokens);
        if (mixture != null) {
            mixture.backward(block, buffers);
        } else {
            dense.backward(
                    block.normed2().first(tokens),
                    block.hidden().first(tokens),
                    block.activated().first(tokens),
                    dStream,
                    buffers.dHidden.first(tokens),
                    dNormed);
            clock.lap(Part.FEED_FORWARD);
        }
        norm2.backward(block.middle().first(tokens), block.statistics2().first(tokens), dNormed, dStream);
        clock.lap(Part.NORM);
        attention.backward(shape, tokens, block, buffers);
        clock.lap(Part.ATTENTION);
        norm1.backward(block.input().first(tokens), block.statistics1().first(tokens), dNormed, dStream);
        clock.lap(Part.NORM);
    }
}

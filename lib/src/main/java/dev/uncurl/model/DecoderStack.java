package dev.uncurl.model;

import dev.uncurl.kernel.Attention;
import dev.uncurl.model.PartClock.Part;
import dev.uncurl.model.spec.ModelConfig;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** The layers of a model, embedding, blocks and output head, with the memory of their passes and the times that they take. */
final class DecoderStack implements AutoCloseable {
    private final ModelConfig config;
    private final PassMemory memory;
    private final Buffers buffers;
    private final Embedding embedding;
    private final List<DecoderBlock> blocks;
    private final LanguageModelHead head;
    private final PartClock clock = new PartClock();

    /**
     * How a batch passes through the blocks.
     *
     * @param heads the attention of this pass
     * @param limited whether the capacity of experts is limited
     * @param peers the ranks whose tokens are routed together
     * @param outputs receives the sums of all experts' outputs; may be null
     */
    record Pass(CausalSelfAttention.Heads heads, boolean limited, Peers peers, ExpertOutputs outputs) {}

    DecoderStack(PassKernels kernels, HeldModel held, int maxTokens) {
        config = held.config();
        memory = new PassMemory(kernels, held, maxTokens);
        buffers = memory.buffers;
        Parameter.Source source = held.source();
        embedding = new Embedding(kernels, source, maxTokens);
        blocks = IntStream.range(0, config.layers())
                .mapToObj(layer -> new DecoderBlock(
                        kernels, config, source, layer, maxTokens, buffers.blocks.get(layer), clock, memory.divided))
                .toList();
        head = new LanguageModelHead(kernels, source, config.sequenceLength(), maxTokens);
    }

    /** From the tokens to the residual stream after the last block. */
    void forward(TokenBatch batch, Pass pass) {
        clock.start();
        embedding.forward(batch, buffers.blocks.get(0).input().first(batch.size()));
        clock.lap(Part.EMBEDDING);
        blocks(batch, pass);
    }

    /** As above, for tokens at any positions [N]. */
    void forward(TokenBatch batch, int[] positions, Pass pass) {
        clock.start();
        embedding.forward(
                batch.tokens(), positions, buffers.blocks.get(0).input().first(batch.size()));
        clock.lap(Part.EMBEDDING);
        blocks(batch, pass);
    }

    private void blocks(TokenBatch batch, Pass pass) {
        int tokens = batch.size();
        for (int layer = 0; layer < blocks.size(); layer++) {
            boolean isLast = layer + 1 == blocks.size();
            var output = isLast ? buffers.output : buffers.blocks.get(layer + 1).input();
            blocks.get(layer)
                    .forward(
                            batch,
                            pass.heads(),
                            buffers,
                            pass.limited(),
                            pass.peers(),
                            pass.outputs(),
                            output.first(tokens));
        }
    }

    /**
     * The loss after {@link #forward}, of which the cross-entropy is this rank's part.
     *
     * @param predicted positions with a target in the batches of all ranks
     * @param withGradient whether {@link #backward} follows
     */
    Loss loss(TokenBatch batch, int predicted, boolean withGradient) {
        double crossEntropy = head.forward(batch, predicted, buffers, withGradient);
        clock.lap(Part.HEAD);
        return Loss.of(config.moe(), crossEntropy, head.predicted(), blocks);
    }

    /** The gradients after {@link #loss}. */
    void backward(TokenBatch batch, Attention.Shape shape, BackwardProgress progress) {
        for (int layer = blocks.size() - 1; layer >= 0; layer--) {
            blocks.get(layer).backward(batch, shape, buffers);
            progress.done(layer);
        }
        embedding.backward(batch, buffers.dStream.first(batch.size()));
        clock.lap(Part.EMBEDDING);
    }

    /** log p of each target after {@link #forward}. @param rows where in the batch; may repeat */
    double[] logProbabilities(int[] rows, int[] targets, int tokens) {
        double[] result = head.logProbabilities(rows, targets, tokens, buffers);
        clock.lap(Part.HEAD);
        return result;
    }

    /** log p of the targets of the last {@link #loss}. */
    void targetLogProbabilities(float[] result) {
        head.targetLogProbabilities(result);
    }

    /** Of a block with experts. */
    RoutingView routing(int layer) {
        return blocks.get(layer).mixture();
    }

    Map<String, Long> partNanos() {
        return clock.nanos();
    }

    @Override
    public void close() {
        blocks.forEach(DecoderBlock::close);
        memory.close();
    }
}

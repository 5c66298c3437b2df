package dev.uncurl.model;

import dev.uncurl.kernel.Attention;
import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.kernel.KernelChoice;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.model.spec.ExpertShare;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The SMoE decoder over flat parameters (see {@link ParameterLayout}), which it reads in place: changing the array
 * changes the model. Off-heap memory for a pass is allocated once, by the constructor, and released by
 * {@link #close()}. For one thread at a time; the same input gives the same bits. Tasks, which may have a GPU, make it by
 * {@link OnProcessor}.
 */
public final class SmoeLanguageModel implements AutoCloseable {
    private final ModelConfig config;
    private final PassKernels kernels;
    /** What the model has made for itself; closed with it. */
    private final List<AutoCloseable> owned;

    private final BatchLimits limits;
    private final boolean training;
    private final DecoderStack layers;
    /** The ranks that score with this model. */
    private final SharedPasses scoring;

    private TokenBatch last;
    private boolean closed;

    /** @param owned closed with the model @param scorers the ranks that score with it, if its experts are divided */
    SmoeLanguageModel(Kernels chosen, List<AutoCloseable> owned, HeldModel held, int maxTokens, Peers scorers) {
        if (maxTokens < 1) {
            throw new IllegalArgumentException("A model for at most " + maxTokens + " tokens cannot take a batch");
        }
        config = held.config();
        kernels = new PassKernels(chosen);
        this.owned = owned;
        scoring = new SharedPasses(scorers);
        limits = new BatchLimits(maxTokens, config.sequenceLength(), config.vocabulary());
        training = held.trains();
        layers = new DecoderStack(kernels, held, maxTokens);
    }

    /** @param maxTokens maximal rows * columns of a batch */
    public static SmoeLanguageModel forScoring(ModelConfig config, INDArray flatParameters, int maxTokens) {
        Kernels kernels = KernelChoice.best(flatParameters.dataType());
        var held = HeldModel.forScoring(config, FlatMemory.of(flatParameters));
        return new SmoeLanguageModel(kernels, List.of(kernels), held, maxTokens, Peers.NONE);
    }

    /** As above with the given kernels, which the caller must close, and parameters in their memory. */
    public static SmoeLanguageModel forScoring(
            Kernels kernels, ModelConfig config, FlatMemory parameters, int maxTokens) {
        var held = HeldModel.forScoring(config, parameters);
        return new SmoeLanguageModel(kernels, List.of(), held, maxTokens, Peers.NONE);
    }

    /**
     * @param flatGradients as long as the parameters; {@link #forwardBackward} overwrites every element
     * @param maxTokens maximal rows * columns of a batch
     */
    public static SmoeLanguageModel forTraining(
            ModelConfig config, INDArray flatParameters, INDArray flatGradients, int maxTokens) {
        Kernels kernels = KernelChoice.best(flatParameters.dataType());
        var held = HeldModel.forTraining(config, flatParameters, flatGradients);
        return new SmoeLanguageModel(kernels, List.of(kernels), held, maxTokens, Peers.NONE);
    }

    /** As above with the given kernels, which the caller must close. */
    public static SmoeLanguageModel forTraining(
            Kernels kernels, ModelConfig config, INDArray flatParameters, INDArray flatGradients, int maxTokens) {
        return forTraining(kernels, config, FlatMemory.of(flatParameters), FlatMemory.of(flatGradients), maxTokens);
    }

    /** As above, with parameters and gradients in the memory of the kernels. */
    public static SmoeLanguageModel forTraining(
            Kernels kernels, ModelConfig config, FlatMemory parameters, FlatMemory gradients, int maxTokens) {
        var held = HeldModel.forTraining(config, parameters, gradients);
        return new SmoeLanguageModel(kernels, List.of(), held, maxTokens, Peers.NONE);
    }

    /**
     * As above, for what one rank holds of a model whose experts may be divided.
     *
     * @param state bytes that the rank keeps for training beside parameters and gradients: {@link ModelSize#stateBytes}
     * @param sums bytes of a device that its exchanges of gradients have taken already
     */
    public static SmoeLanguageModel forTraining(
            Kernels kernels,
            ModelConfig config,
            ExpertShare share,
            FlatMemory parameters,
            FlatMemory gradients,
            long state,
            long sums,
            int maxTokens) {
        var held = new HeldModel(config, share, parameters, gradients, state, sums);
        return new SmoeLanguageModel(kernels, List.of(), held, maxTokens, Peers.NONE);
    }

    /** Bytes that a model in FLOAT on the host needs off the heap in addition to its parameters and gradients. */
    public static long arenaBytes(ModelConfig config, int maxTokens, boolean training) {
        return PassMemory.bytes(config, ExpertShare.ALL, maxTokens, training);
    }

    public ModelConfig config() {
        return config;
    }

    /** Maximal rows * columns of a batch. */
    public int maxTokens() {
        return limits.tokens();
    }

    /**
     * Loss of the batch; fills {@link #targetLogProbabilities} and {@link #routing}. Experts have no capacity limit
     * here, even if the configuration sets one for training: a token's score must not depend on the other tokens of the
     * batch.
     *
     * @throws dev.uncurl.error.UserError (input) when a router's logit is not finite
     */
    public Loss forward(TokenBatch batch) {
        scoring.next(SharedPasses.Kind.ROWS);
        return pass(batch, batch.predicted(), scoring.peers(), null, null);
    }

    /**
     * As {@link #forward(TokenBatch)}, with the same bits. In addition runs every expert of every MoE block on every
     * token, on the input of the block's router, at the cost of about half a pass of each expert over the whole batch.
     *
     * @param outputs called for each MoE block and expert, in ascending order
     * @throws dev.uncurl.error.UserError (input) when a router's logit is not finite
     */
    public Loss forward(TokenBatch batch, ExpertOutputs outputs) {
        scoring.next(SharedPasses.Kind.OUTPUTS);
        return pass(batch, batch.predicted(), scoring.peers(), null, outputs);
    }

    /**
     * Loss of the batch, and its gradient in the array given to {@link #forTraining}. With a capacity factor the
     * experts of each MoE block take {@link dev.uncurl.model.spec.MoeConfig#capacity} of this batch's assignments, so
     * the loss depends on the composition of the batch and differs from that of {@link #forward}.
     *
     * @throws dev.uncurl.error.UserError (input) when a router's logit is not finite
     */
    public Loss forwardBackward(TokenBatch batch) {
        return forwardBackward(batch, batch.predicted(), Peers.NONE, BackwardProgress.NONE);
    }

    /**
     * This rank's part of the loss of a micro-step and of its gradient: the sum over the ranks is what one process computes
     * with all their sequences in one batch. The cross-entropy is a part too; balance loss and z-loss are those of all ranks.
     *
     * @param predicted positions with a target in the batches of all ranks
     * @param peers the ranks; all call this method at the same time
     * @param progress is called after each block's backward pass
     * @throws dev.uncurl.error.UserError (input) on every rank when a router's logit is not finite on one
     */
    public Loss forwardBackward(TokenBatch batch, int predicted, Peers peers, BackwardProgress progress) {
        if (!training) {
            throw new IllegalStateException("This model was made for scoring; use SmoeLanguageModel.forTraining");
        }
        return pass(batch, predicted, peers, progress, null);
    }

    /** @param progress of the backward pass; null: there is none */
    private Loss pass(TokenBatch batch, int predicted, Peers peers, BackwardProgress progress, ExpertOutputs outputs) {
        boolean withGradient = progress != null;
        checkOpen();
        limits.check(batch);
        last = batch;
        var shape = new Attention.Shape(batch.rows(), batch.columns(), config.heads());
        kernels.byRows(false);
        layers.forward(batch, new DecoderStack.Pass(heads(shape), withGradient, peers, outputs));
        Loss loss = layers.loss(batch, predicted, withGradient);
        if (withGradient) {
            layers.backward(batch, shape, progress);
        }
        return loss;
    }

    private static CausalSelfAttention.Heads heads(Attention.Shape shape) {
        return (attention, qkv, logSumExp, output) -> attention.forward(shape, qkv, logSumExp, output);
    }

    /**
     * Whether the bits of {@link #logProbabilities} depend on a sequence alone: not on the other sequences of the batch, nor
     * on what is shared with them. So it is with OpenBLAS's kernels for AVX-512; with others the last bits may differ.
     */
    public boolean sequencesAreIndependent() {
        return kernels.matrixProduct().rowsAreIndependent();
    }

    /**
     * log p of each target given its token and all before it in the sequence; see {@link #sequencesAreIndependent}. The bits
     * do not depend on the number of threads. {@link #routing} then has a token per row of the batch. Experts have no
     * capacity limit here.
     *
     * @throws dev.uncurl.error.UserError (input) when a router's logit is not finite
     */
    public double[] logProbabilities(BranchedBatch batch) {
        checkOpen();
        limits.check(batch);
        TokenBatch flat = batch.flat();
        last = flat;
        Attention.Layout layout = batch.layout(config.heads());
        scoring.next(SharedPasses.Kind.INDEPENDENT);
        kernels.byRows(true);
        CausalSelfAttention.Heads heads = (attention, qkv, sums, output) -> attention.forward(layout, qkv, output);
        layers.forward(flat, batch.positions(), new DecoderStack.Pass(heads, false, scoring.peers(), null));
        return layers.logProbabilities(batch.rows(), batch.targets(), flat.size());
    }

    /**
     * Takes part in the passes of the ranks that have more batches than this one, and returns when no rank has any. To be called
     * by every rank of a model whose experts are divided, after its last batch.
     */
    public void joinPasses() {
        checkOpen();
        for (var kind = scoring.next(SharedPasses.Kind.NONE);
                kind != SharedPasses.Kind.NONE;
                kind = scoring.next(SharedPasses.Kind.NONE)) {
            var shape = new Attention.Shape(1, 1, config.heads());
            kernels.byRows(kind == SharedPasses.Kind.INDEPENDENT);
            ExpertOutputs outputs = kind == SharedPasses.Kind.OUTPUTS ? (layer, expert, sum) -> {} : null;
            layers.forward(SharedPasses.EMPTY, new DecoderStack.Pass(heads(shape), false, scoring.peers(), outputs));
        }
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException("The model is closed");
        }
    }

    /** log p(target) for each position of the last batch, row by row; 0 for positions without a target. */
    public float[] targetLogProbabilities() {
        var result = new float[passed().size()];
        layers.targetLogProbabilities(result);
        return result;
    }

    /**
     * How the last batch was routed; valid until the next pass.
     *
     * @param layer index of a block with experts, one of {@link ModelConfig#moeLayers()}
     */
    public RoutingView routing(int layer) {
        passed();
        if (layer < 0 || layer >= config.layers() || !config.isMoe(layer)) {
            throw new IllegalArgumentException("Block " + layer + " has no experts; those with experts are "
                    + Arrays.toString(config.moeLayers()));
        }
        return layers.routing(layer);
    }

    /** Tokens of the last batch that chose each expert of block {@code layer} [E], dropped or not. */
    public int[] expertTokens(int layer) {
        return routing(layer).expertTokens();
    }

    private TokenBatch passed() {
        if (last == null) {
            throw new IllegalStateException("The model has not processed a batch yet");
        }
        return last;
    }

    /** Threads that compute a pass, including the caller's. */
    public int threads() {
        return kernels.threads();
    }

    /**
     * Nanoseconds spent so far in each part: embedding, norm, attention, feed-forward, router, dispatch, experts, exchange,
     * head; see {@link PartClock}.
     */
    public Map<String, Long> partNanos() {
        return layers.partNanos();
    }

    @Override
    public void close() {
        if (!closed) {
            layers.close();
        }
        closed = true;
        OnProcessor.closeAll(owned);
    }
}

package dev.uncurl.model;

import dev.uncurl.config.TrainConfig;
import dev.uncurl.error.UserError;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeLayer;
import dev.uncurl.model.spec.ParameterLayout;
import java.util.Locale;

/** Memory requirements of training a model, computed from its configuration before any work. */
public final class ModelSize {
    /** Maximal number of parameters for training in one process: a rank returns both moments in one Java array. */
    public static final long MOST_TRAINED = (Integer.MAX_VALUE - 8) / 2;

    /** Arrays in training: weights, gradients and AdamW's two moments. */
    private static final int TRAINED_ARRAYS = 4;

    /** Arrays that a rank returns after a round, on the driver's heap: weights and two moments. */
    private static final int HEAP_ARRAYS = 3;

    private ModelSize() {}

    /** Number of parameters, as {@link ParameterLayout#length} has it. */
    public static long parameters(ModelConfig config) {
        long width = config.width();
        long feedForward = 2 * width * config.feedForward() + config.feedForward() + width;
        long attention = 4 * width * width + 4 * width;
        long norms = 4 * width;
        long parameters = width * (config.vocabulary() + (long) config.sequenceLength()) + 2 * width;
        for (int layer = 0; layer < config.layers(); layer++) {
            parameters += attention + norms;
            if (config.isMoe(layer)) {
                MoeLayer moe = config.moe().layer(layer);
                parameters += moe.routerRows() * width + moe.experts() * feedForward;
            } else {
                parameters += feedForward;
            }
        }
        return parameters;
    }

    /**
     * Checks that this process can train a model.
     *
     * @throws UserError (usage) if it cannot; states the size, the limit and a remedy
     */
    public static void checkTraining(ModelConfig model, TrainConfig train) {
        long parameters = parameters(model);
        if (parameters > MOST_TRAINED) {
            throw UserError.usage(
                    String.format(
                            Locale.ROOT,
                            "A model of %,d parameters needs %s in training (weights, gradients, two moments), but one"
                                    + " process can train at most %,d parameters",
                            parameters,
                            size(TRAINED_ARRAYS * Float.BYTES * parameters),
                            MOST_TRAINED),
                    "Make the model smaller (moe.experts, width, feed-forward, layers). Distributing one model over several"
                            + " processes is not possible yet.");
        }
        long heap = Runtime.getRuntime().maxMemory();
        checkHeap(
                "A model of " + String.format(Locale.ROOT, "%,d", parameters) + " parameters",
                HEAP_ARRAYS * Float.BYTES * parameters,
                heap,
                "Make the model smaller (moe.experts, width, layers)");
        long positions = (long) train.ranks() * train.averagingFrequency() * train.batch() * model.sequenceLength();
        checkHeap(
                "A round of " + train.ranks() + " ranks * " + train.averagingFrequency() + " steps * " + train.batch()
                        + " sequences",
                Float.BYTES * positions,
                heap,
                "Make train.ranks, train.averaging-frequency or train.batch smaller");
        check(model, (long) train.microBatch() * model.sequenceLength(), true);
        train.rounds(model.sequenceLength());
    }

    private static void checkHeap(String what, long bytes, long heap, String remedy) {
        if (bytes > heap) {
            throw UserError.usage(
                    what + " needs at least " + size(bytes) + " of the Java heap, over the limit of " + size(heap),
                    remedy + ", or raise --driver-memory of jobs/submit.");
        }
    }

    /**
     * Checks the memory of passes over a number of tokens.
     *
     * @throws UserError (usage) if it is not available; states the size, the limit and a remedy
     */
    public static void checkScoring(ModelConfig model, long tokens) {
        check(model, tokens, false);
    }

    private static void check(ModelConfig model, long tokens, boolean training) {
        if (tokens > Integer.MAX_VALUE) {
            throw UserError.usage(
                    String.format(
                            Locale.ROOT, "%,d tokens at a time are over the limit of %,d", tokens, Integer.MAX_VALUE),
                    "Make the batch or micro-batch smaller.");
        }
        Footprint.of(model, (int) tokens, training).check((int) tokens);
    }

    private static String size(long bytes) {
        return String.format(Locale.ROOT, "%,.1f GB", bytes / 1e9);
    }
}

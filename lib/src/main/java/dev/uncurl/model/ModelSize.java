package dev.uncurl.model;

import dev.uncurl.config.TrainConfig;
import dev.uncurl.error.UserError;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeLayer;
import dev.uncurl.model.spec.ParameterLayout;
import java.util.List;
import java.util.Locale;

/** Computes the memory that a model needs from its configuration, before the model is created or data is read. */
public final class ModelSize {
    /** Largest number of parameters that one process can train: a rank returns the two moments in one Java array. */
    public static final long MOST_TRAINED = (Integer.MAX_VALUE - 8) / 2;

    /** Arrays off the heap: weights, gradients and the two moments of AdamW. */
    private static final int TRAINED_ARRAYS = 4;

    /** Arrays that a rank returns to the driver's heap after a round: weights and two moments. */
    private static final int HEAP_ARRAYS = 3;

    private ModelSize() {}

    /** Returns the number of parameters; equals {@link ParameterLayout#length}. */
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
     * @throws UserError (usage) if it cannot; the message has the size, the limit and a remedy
     */
    public static void checkTraining(ModelConfig model, TrainConfig train) {
        long parameters = parameters(model);
        if (parameters > MOST_TRAINED) {
            throw UserError.usage(
                    String.format(
                            Locale.ROOT,
                            "A model of %,d parameters takes %s to train (weights, gradients, two moments), but one"
                                    + " process can train at most %,d parameters",
                            parameters,
                            size(TRAINED_ARRAYS * Float.BYTES * parameters),
                            MOST_TRAINED),
                    "Make it smaller: moe.experts, width, feed-forward, layers. Training one model divided among"
                            + " several processes is not possible yet.");
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
                    what + " takes at least " + size(bytes) + " of the Java heap, over the limit of " + size(heap),
                    remedy + ", or raise --driver-memory of jobs/submit.");
        }
    }

    /**
     * Checks that forward passes over a number of tokens fit into memory.
     *
     * @param tokens tokens of one pass
     * @throws UserError (usage) if they do not; the message has the size, the limit and a remedy
     */
    public static void checkScoring(ModelConfig model, long tokens) {
        check(model, tokens, false);
    }

    /**
     * Checks that several models fit into memory together, with a forward pass each. To be called before they are loaded.
     *
     * @param tokens tokens of one pass
     * @throws UserError (usage) if they do not; the message has the sizes, the limit and a remedy
     */
    public static void checkScoringTogether(List<ModelConfig> models, long tokens) {
        checkTokens(tokens);
        Footprint.checkTogether(
                models.stream()
                        .map(model -> Footprint.of(model, (int) tokens, false))
                        .toList(),
                (int) tokens);
    }

    private static void check(ModelConfig model, long tokens, boolean training) {
        checkTokens(tokens);
        Footprint.of(model, (int) tokens, training).check((int) tokens);
    }

    private static void checkTokens(long tokens) {
        if (tokens > Integer.MAX_VALUE) {
            throw UserError.usage(
                    String.format(
                            Locale.ROOT, "%,d tokens at a time are over the limit of %,d", tokens, Integer.MAX_VALUE),
                    "Make the batch or micro-batch smaller.");
        }
    }

    private static String size(long bytes) {
        return String.format(Locale.ROOT, "%,.1f GB", bytes / 1e9);
    }
}

package dev.uncurl.model;

import dev.uncurl.config.TrainConfig;
import dev.uncurl.error.UserError;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeLayer;
import dev.uncurl.model.spec.ParameterLayout;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/** Computes the memory that a model needs from its configuration, before the model is created or data is read. */
public final class ModelSize {
    /** Largest number of parameters that a rank can train: Deeplearning4j counts them in an int, and its moments too. */
    public static final long MOST_TRAINED = Integer.MAX_VALUE - 8;

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
     * Checks that a rank can train its part of a model: all weights and gradients, and the moments of its slice.
     *
     * @throws UserError (usage) if it cannot; the message has the size, the limit and a remedy
     */
    public static void checkTraining(ModelConfig model, TrainConfig train) {
        long parameters = parameters(model);
        if (parameters > MOST_TRAINED || 2 * parameters / train.ranks() > MOST_TRAINED) {
            throw UserError.usage(
                    String.format(
                            Locale.ROOT,
                            "A model of %,d parameters takes %s per rank to train (weights, gradients, moments of a"
                                    + " slice), but a rank can have at most %,d parameters and as many moments",
                            parameters,
                            size(Float.BYTES * (2 * parameters + 2 * parameters / train.ranks())),
                            MOST_TRAINED),
                    parameters > MOST_TRAINED
                            ? "Make it smaller: moe.experts, width, feed-forward, layers. Training one model whose"
                                    + " experts are divided among ranks is not possible yet."
                            : "Make train.ranks larger, or the model smaller.");
        }
        train.steps(model.sequenceLength());
        int tokens = trainedTokens(model, train);
        Footprint.of(model, tokens, true).withOptimizer(train.ranks()).check(tokens);
    }

    /**
     * Checks that all ranks of a run fit into this process together.
     *
     * @throws UserError (usage) as in {@link #checkTraining}
     */
    public static void checkTrainingTogether(ModelConfig model, TrainConfig train) {
        int tokens = trainedTokens(model, train);
        Footprint.checkTogether(
                Collections.nCopies(
                        train.ranks(), Footprint.of(model, tokens, true).withOptimizer(train.ranks())),
                "ranks",
                tokens,
                "Make train.ranks smaller");
    }

    /** Bytes that a rank takes outside the Java heap. */
    public static long trainingBytes(ModelConfig model, TrainConfig train) {
        return Footprint.of(model, trainedTokens(model, train), true)
                .withOptimizer(train.ranks())
                .total();
    }

    /** Tokens that a rank computes at a time. */
    private static int trainedTokens(ModelConfig model, TrainConfig train) {
        long tokens = (long) train.microBatch() * model.sequenceLength();
        checkTokens(tokens);
        return (int) tokens;
    }

    /**
     * Checks that forward passes over a number of tokens fit into memory.
     *
     * @param tokens tokens of one pass
     * @throws UserError (usage) if they do not; the message has the size, the limit and a remedy
     */
    public static void checkScoring(ModelConfig model, long tokens) {
        checkTokens(tokens);
        Footprint.of(model, (int) tokens, false).check((int) tokens);
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
                "models",
                (int) tokens,
                "Name fewer models");
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

package dev.uncurl.model;

import dev.uncurl.config.TrainConfig;
import dev.uncurl.error.UserError;
import dev.uncurl.kernel.OffHeap;
import dev.uncurl.model.spec.ExpertShare;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeLayer;
import dev.uncurl.model.spec.ParameterLayout;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/** Computes the memory that a model needs from its configuration, before the model is created or data is read. */
public final class ModelSize {
    /** Largest number of parameters that a rank can train: Deeplearning4j counts them in an int, and its moments too. */
    public static final long MOST_TRAINED = Integer.MAX_VALUE - 8;

    private ModelSize() {}

    /** Returns the number of parameters; equals {@link ParameterLayout#length}. */
    public static long parameters(ModelConfig config) {
        return parameters(config, ExpertShare.ALL);
    }

    /** Number of parameters that one rank holds. */
    public static long parameters(ModelConfig config, ExpertShare share) {
        long width = config.width();
        long feedForward = 2 * width * config.feedForward() + config.feedForward() + width;
        long attention = 4 * width * width + 4 * width;
        long norms = 4 * width;
        long parameters = width * (config.vocabulary() + (long) config.sequenceLength()) + 2 * width;
        for (int layer = 0; layer < config.layers(); layer++) {
            parameters += attention + norms;
            if (config.isMoe(layer)) {
                MoeLayer moe = config.moe().layer(layer);
                int experts = share.to(moe.experts()) - share.from(moe.experts());
                parameters += moe.routerRows() * width + experts * feedForward;
            } else {
                parameters += feedForward;
            }
        }
        return parameters;
    }

    /**
     * Checks that a rank can number the parameters and moments of its part of a model, and the tokens that it computes at a time.
     *
     * @throws UserError (usage) if it cannot; the message has the size, the limit and a remedy
     */
    public static void checkTraining(ModelConfig model, TrainConfig train) {
        ExpertShare.check(model, train.ranks(), "train.ranks", train.expertParallel(), "train.expert-parallel");
        ExpertShare share = largest(model, train.expertParallel());
        long parameters = parameters(model, share);
        long moments = 2 * updated(model, share, train.ranks());
        if (parameters > MOST_TRAINED || moments > MOST_TRAINED) {
            throw UserError.usage(
                    String.format(
                            Locale.ROOT,
                            "A model of %,d parameters takes %s per rank to train (weights, gradients, moments of a slice),"
                                    + " but a rank can have at most %,d parameters and as many moments; %,d ranks, of"
                                    + " which %,d divide the experts, would have %,d parameters each",
                            parameters(model),
                            size(Float.BYTES * (2 * parameters + moments)),
                            MOST_TRAINED,
                            train.ranks(),
                            train.expertParallel(),
                            parameters),
                    parameters > MOST_TRAINED
                            ? "Make train.expert-parallel larger, so that a rank has fewer experts, or the model smaller:"
                                    + " moe.experts, width, feed-forward, layers."
                            : "Make train.ranks larger, or the model smaller.");
        }
        train.steps(model.sequenceLength());
        trainedTokens(model, train);
    }

    /** The share of the rank that has most parameters. */
    private static ExpertShare largest(ModelConfig model, int parts) {
        return IntStream.range(0, parts)
                .mapToObj(part -> new ExpertShare(part, parts))
                .max(Comparator.comparingLong(share -> parameters(model, share)))
                .orElseThrow();
    }

    /**
     * The most parameters that a rank updates: its slices of those that all ranks have, and of those of its experts. Where they are
     * exchanged by sections it may be one more for each section.
     */
    private static long updated(ModelConfig model, ExpertShare share, int ranks) {
        long own = parameters(model, share);
        long common = share.isAll() ? own : ParameterLayout.of(model, share).common();
        long replicas = ranks / share.parts();
        return (common + ranks - 1) / ranks + (own - common + replicas - 1) / replicas;
    }

    /**
     * Bytes that a rank keeps for training beside parameters and gradients: the moments of what it updates, and the sum of the
     * gradients over micro-steps.
     *
     * @param parameters that the rank has
     * @param updated parameters of its slices
     * @param summed whether a step has several micro-steps
     */
    public static long stateBytes(long parameters, long updated, boolean summed) {
        return Float.BYTES * (2 * updated + (summed ? parameters : 0));
    }

    private static Footprint training(ModelConfig model, int ranks, int parts, int batch, int tokens, int microBatch) {
        ExpertShare share = largest(model, parts);
        boolean summed = (long) ranks * microBatch < batch;
        long state = stateBytes(parameters(model, share), updated(model, share, ranks), summed);
        return Footprint.of(model, share, tokens, true).withState(state);
    }

    /**
     * Checks that all ranks of a run fit into this process together: weights and gradients, the moments of their slices, and the
     * buffers of a pass.
     *
     * @throws UserError (usage) as in {@link #checkTraining}
     */
    public static void checkTrainingTogether(ModelConfig model, TrainConfig train) {
        int tokens = trainedTokens(model, train);
        Footprint rank =
                training(model, train.ranks(), train.expertParallel(), train.batch(), tokens, train.microBatch());
        rank.check(
                tokens,
                model.moeLayers().length == 0
                        ? "Use more train.ranks or a smaller train.micro-batch"
                        : "Use more train.ranks, a larger train.expert-parallel or a smaller train.micro-batch");
        Footprint.checkTogether(
                Collections.nCopies(train.ranks(), rank),
                "ranks",
                tokens,
                "Make train.ranks smaller or train.expert-parallel larger");
    }

    /** Bytes that a rank takes outside the Java heap. */
    public static long trainingBytes(ModelConfig model, TrainConfig train) {
        return trainingBytes(model, train, train.ranks(), train.expertParallel());
    }

    /** As above, with other numbers of ranks. @param parts expert-parallel */
    public static long trainingBytes(ModelConfig model, TrainConfig train, int ranks, int parts) {
        int tokens = trainedTokens(model, ranks, train.batch(), train.microBatch());
        return training(model, ranks, parts, train.batch(), tokens, train.microBatch())
                .total();
    }

    /** Bytes that a process like this one takes in all: those outside the Java heap, and the most that its heap may take. */
    public static long processBytes(long offHeap) {
        return offHeap + OffHeap.heap();
    }

    private static int trainedTokens(ModelConfig model, TrainConfig train) {
        return trainedTokens(model, train.ranks(), train.batch(), train.microBatch());
    }

    /** The most tokens that a rank computes at a time. */
    private static int trainedTokens(ModelConfig model, int ranks, int batch, int microBatch) {
        long rows = Math.min(microBatch, (batch + ranks - 1L) / ranks);
        long tokens = rows * model.sequenceLength();
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

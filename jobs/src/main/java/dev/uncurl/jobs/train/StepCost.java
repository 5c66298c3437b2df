package dev.uncurl.jobs.train;

import dev.uncurl.config.TrainConfig;
import dev.uncurl.dl4j.StepShares;
import dev.uncurl.model.ModelSize;
import dev.uncurl.model.SmoeLanguageModel;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeLayer;

/**
 * What a step of training costs a rank: a count, not a measurement. Experts are taken as evenly loaded.
 *
 * @param expertParallel ranks that share the experts of a layer
 * @param parameters that the rank holds
 * @param memory bytes outside the Java heap: parameters, gradients, moments of its slices, and the buffers of a pass
 * @param operations floating-point operations of forward and backward passes of the rank with most sequences
 * @param sent bytes that the rank sends to others
 * @param exchanges operations of {@link dev.uncurl.collective.Collectives} with all ranks, one after another
 * @param groupExchanges those with the ranks that share experts
 */
record StepCost(
        int ranks,
        int expertParallel,
        long parameters,
        long memory,
        double operations,
        double sent,
        long exchanges,
        long groupExchanges) {
    /** A backward pass takes two products for each one of the forward pass. */
    private static final int PASSES = 3;

    /** A token's row goes to its expert and back in the forward pass, and its gradients in the backward pass. */
    private static final int TRANSFERS = 4;

    /**
     * @param train its number of ranks does not count
     * @param ranks at most train.batch
     * @param expertParallel divides {@code ranks}
     */
    static StepCost of(ModelConfig model, TrainConfig train, int ranks, int expertParallel) {
        var shares = new StepShares(train.batch(), ranks, train.microBatch());
        int most = 0;
        for (int rows : shares.rows(ranks - 1)) { // the last rank has at least as many as any other
            most += rows;
        }
        long experts = experts(model);
        long common = ModelSize.parameters(model) - experts;
        long own = (experts + expertParallel - 1) / expertParallel;
        int replicas = ranks / expertParallel;
        long atATime = (long) Math.min(train.microBatch(), most) * model.sequenceLength();
        long floats = 2 * (common + own) + 2 * (common / ranks + own / replicas);
        double tokens = (double) most * model.sequenceLength();
        double sums = 2 * (common * others(ranks) + own * others(replicas));
        long layerPasses = (long) shares.microSteps() * model.moeLayers().length;
        // sums and slices of parameters, of all and of experts; norm, loss and times; counts of each layer
        long exchanges =
                (expertParallel > 1 ? 4 : 2) + 3 + model.moeLayers().length + layerPasses + shares.microSteps();
        return new StepCost(
                ranks,
                expertParallel,
                common + own,
                Float.BYTES * floats
                        + SmoeLanguageModel.arenaBytes(
                                model, Math.toIntExact(Math.min(atATime, Integer.MAX_VALUE)), true),
                tokens * operationsPerToken(model),
                Float.BYTES * (sums + rowsBetween(model, train, ranks, expertParallel)),
                ranks == 1 ? 0 : exchanges,
                expertParallel == 1 ? 0 : TRANSFERS * layerPasses);
    }

    /** Floats of tokens' rows that a rank sends to the ranks that have their experts, and back. */
    private static double rowsBetween(ModelConfig model, TrainConfig train, int ranks, int expertParallel) {
        double tokens = (double) train.batch() * model.sequenceLength() / ranks;
        return tokens * model.moeLayers().length * topK(model) * model.width() * TRANSFERS * others(expertParallel);
    }

    /** The share of a sum or an exchange that goes to other ranks. */
    private static double others(int ranks) {
        return (ranks - 1.0) / ranks;
    }

    private static int topK(ModelConfig model) {
        return Math.max(1, model.moe().topK());
    }

    /** Parameters of all experts. */
    private static long experts(ModelConfig model) {
        long one = 2L * model.width() * model.feedForward() + model.feedForward() + model.width();
        long count = 0;
        for (int layer : model.moeLayers()) {
            count += model.moe().layer(layer).experts();
        }
        return count * one;
    }

    /**
     * Floating-point operations of training on a token: two for each element of the matrices that it passes through, in each
     * of the three products; attention scores and their use are counted for whole sequences, masked ones included.
     */
    static double operationsPerToken(ModelConfig model) {
        double width = model.width();
        double elements = width * model.vocabulary();
        for (int layer = 0; layer < model.layers(); layer++) {
            elements += 4 * width * width + 2 * width * model.sequenceLength();
            double feedForward = 2 * width * model.feedForward();
            if (model.isMoe(layer)) {
                MoeLayer moe = model.moe().layer(layer);
                elements += topK(model) * feedForward + width * moe.routerRows();
            } else {
                elements += feedForward;
            }
        }
        return PASSES * 2 * elements;
    }
}

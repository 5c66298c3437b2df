package dev.uncurl.jobs.train;

import dev.uncurl.config.TrainConfig;
import dev.uncurl.dl4j.StepShares;
import dev.uncurl.model.ModelSize;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeLayer;

/**
 * What a step of training costs a rank: a count, not a measurement. Experts are taken as evenly loaded.
 *
 * @param expertParallel ranks that share the experts of a layer
 * @param parameters that the rank holds
 * @param memory bytes outside the Java heap, as training checks them: {@link ModelSize#trainingBytes}
 * @param operations floating-point operations of forward and backward passes of the rank with most sequences
 * @param sent bytes that the rank sends to others
 * @param sums operations of {@link dev.uncurl.collective.Collectives} on arrays with all ranks, one after another, if all
 *     parameters are exchanged at once
 * @param numbers those on a few numbers with all ranks
 * @param groupExchanges those with the ranks that share experts
 */
record StepCost(
        int ranks,
        int expertParallel,
        long parameters,
        long memory,
        double operations,
        double sent,
        long sums,
        long numbers,
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
        double tokens = (double) most * model.sequenceLength();
        double floats = 2 * (common * others(ranks) + own * others(replicas));
        long layerPasses = (long) shares.microSteps() * model.moeLayers().length;
        // gradients and parameters, of all and of experts
        long sums = expertParallel > 1 ? 4 : 2;
        // norm, loss and times; counts of each layer
        long numbers = 3 + model.moeLayers().length + layerPasses + shares.microSteps();
        return new StepCost(
                ranks,
                expertParallel,
                common + own,
                ModelSize.trainingBytes(model, train, ranks, expertParallel),
                tokens * operationsPerToken(model),
                Float.BYTES * (floats + rowsBetween(model, train, ranks, expertParallel)),
                ranks == 1 ? 0 : sums,
                ranks == 1 ? 0 : numbers,
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

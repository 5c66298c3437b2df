package dev.uncurl.jobs.train;

import dev.uncurl.model.TrainStep;
import java.io.Serializable;

/**
 * One step, over all ranks.
 *
 * @param step its number in the run, from 1
 * @param crossEntropy mean per predicted token, nats
 * @param predicted number of predicted tokens
 * @param balance balance loss
 * @param gradientNorm global, before clipping
 * @param expertTokens number of choices per router row, including dropped choices, by MoE layer in ascending order
 * @param dropped number of choices dropped because of the capacity limit, by MoE layer
 * @param sequencesHash of the positions and ids of its sequences, see {@link StepShare}
 * @param times where the time went
 * @param fault why the step failed; null if it succeeded
 */
record StepMetrics(
        int step,
        double crossEntropy,
        int predicted,
        double balance,
        double gradientNorm,
        double learningRate,
        int[][] expertTokens,
        int[] dropped,
        long sequencesHash,
        StepTimes times,
        String fault)
        implements Serializable {
    static StepMetrics of(int step, TrainStep.Result result, long sequencesHash, StepTimes times) {
        return new StepMetrics(
                step,
                result.loss().crossEntropy(),
                result.loss().predicted(),
                result.loss().balance(),
                result.gradientNorm(),
                result.learningRate(),
                result.routing().values().stream()
                        .map(TrainStep.Routing::tokens)
                        .toArray(int[][]::new),
                result.routing().values().stream()
                        .mapToInt(TrainStep.Routing::dropped)
                        .toArray(),
                sequencesHash,
                times,
                result.fault());
    }

    /** Whether the step has a loss and a gradient. */
    boolean isFinite() {
        return fault == null && Double.isFinite(crossEntropy) && Double.isFinite(gradientNorm);
    }
}

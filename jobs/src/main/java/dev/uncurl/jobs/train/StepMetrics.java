package dev.uncurl.jobs.train;

import dev.uncurl.model.TrainStep;
import java.io.Serializable;

/**
 * One optimiser step of one rank.
 *
 * @param step index of the step in the run of this rank, from 0
 * @param crossEntropy mean per predicted token, nats
 * @param predicted number of predicted tokens
 * @param balance balance loss
 * @param gradientNorm global, before clipping
 * @param expertTokens number of choices per router row, including dropped choices, by MoE layer in ascending order
 * @param dropped number of choices dropped because of the capacity limit, by MoE layer
 * @param fault why the step failed; null if it succeeded
 */
record StepMetrics(
        int rank,
        int step,
        double crossEntropy,
        int predicted,
        double balance,
        double gradientNorm,
        double learningRate,
        int[][] expertTokens,
        int[] dropped,
        String fault)
        implements Serializable {
    static StepMetrics of(int rank, int step, TrainStep.Result result) {
        return new StepMetrics(
                rank,
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
                result.fault());
    }
}

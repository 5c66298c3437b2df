package dev.uncurl.jobs.train;

import dev.uncurl.model.TrainStep;
import java.io.Serializable;

/**
 * One optimiser step of one rank.
 *
 * @param step of the rank, from 0
 * @param crossEntropy mean per predicted token, nats
 * @param gradientNorm global, before clipping
 * @param expertTokens choices per expert, by MoE layer in ascending order, dropped ones too
 * @param dropped choices that were lost to the capacity, by MoE layer
 * @param fault why the step gave no numbers; null when it gave some
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

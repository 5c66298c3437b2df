package dev.uncurl.jobs.train;

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
        implements Serializable {}

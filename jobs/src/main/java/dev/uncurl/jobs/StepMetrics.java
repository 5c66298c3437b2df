package dev.uncurl.jobs;

import java.io.Serializable;

/**
 * One optimiser step of one rank.
 *
 * @param step of the rank, from 0
 * @param crossEntropy mean per predicted token, nats
 * @param gradientNorm global, before clipping
 * @param expertTokens choices per expert, by MoE layer in ascending order
 */
record StepMetrics(
        int rank,
        int step,
        double crossEntropy,
        int predicted,
        double balance,
        double gradientNorm,
        double learningRate,
        int[][] expertTokens)
        implements Serializable {}

package dev.uncurl.model;

import java.util.SortedMap;

/** Takes optimiser steps on one model: a batch goes in, and what the step found comes out. */
public interface TrainStep {
    /**
     * Runs the batch forward and backward, and updates the parameters.
     *
     * <p>A model that has diverged so far that it cannot route gives a result with a {@link Result#fault}; its parameters
     * are of no use afterwards.
     */
    Result take(TokenBatch batch);

    /**
     * One step.
     *
     * @param loss of the batch before the update; all NaN when there is a fault
     * @param gradientNorm L2 norm over all parameters, before clipping
     * @param learningRate of the schedule after this step
     * @param routing by block with experts
     * @param fault why the step has no loss; null when it has one
     */
    record Result(
            Loss loss, double gradientNorm, double learningRate, SortedMap<Integer, Routing> routing, String fault) {}

    /**
     * What the router of a block did with a batch.
     *
     * @param tokens that chose each expert [E] (in a mapped block each router row [R]), dropped or not
     * @param dropped choices lost to the capacity
     */
    record Routing(int[] tokens, int dropped) {}
}

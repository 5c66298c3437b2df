package dev.uncurl.model;

import java.util.SortedMap;

/** Takes optimiser steps on one model. */
public interface TrainStep {
    /**
     * Runs a batch forward and backward, and updates the parameters.
     *
     * <p>If the model has diverged and its router logits are not finite, the result has a {@link Result#fault}, and the
     * parameters are no longer usable.
     */
    Result take(TokenBatch batch);

    /**
     * The result of one step.
     *
     * @param loss of the batch before the update; all NaN if there is a fault
     * @param gradientNorm L2 norm over all parameters, before clipping
     * @param learningRate learning rate of the schedule after this step
     * @param routing by MoE block
     * @param fault why the step has no loss; null if it has one
     */
    record Result(
            Loss loss, double gradientNorm, double learningRate, SortedMap<Integer, Routing> routing, String fault) {}

    /**
     * Routing counts of one MoE block in one batch.
     *
     * @param tokens number of tokens that chose each expert [E] (in a mapped block each router row [R]), with dropped choices
     * @param dropped number of choices that were dropped because of the capacity
     */
    record Routing(int[] tokens, int dropped) {}
}

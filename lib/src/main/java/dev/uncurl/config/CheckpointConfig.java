package dev.uncurl.config;

/**
 * When a training run saves the state that it needs to resume after a kill. Does not affect the result.
 *
 * @param every steps between two checkpoints, rounded up to the end of a row of training.metrics; 0: only
 *     those that a validation and the end of the run need
 * @param keep number of newest checkpoints to keep, in addition to the one of the lowest validation loss
 * @param stay whether to keep them after the model is finished
 */
public record CheckpointConfig(int every, int keep, boolean stay) implements java.io.Serializable {
    public CheckpointConfig {
        Range.CHECKPOINT_EVERY.check(every);
        Range.CHECKPOINT_KEEP.check(keep);
    }
}

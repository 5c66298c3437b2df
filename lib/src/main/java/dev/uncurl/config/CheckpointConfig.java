package dev.uncurl.config;

/**
 * When a training run saves what it needs to go on after a kill. Does not touch the result.
 *
 * @param every steps of a rank between two checkpoints, rounded up to the end of a round; 0: none
 * @param keep newest checkpoints that stay, and with them the one of the lowest validation loss
 * @param stay whether they stay when the model is finished
 */
public record CheckpointConfig(int every, int keep, boolean stay) implements java.io.Serializable {
    public CheckpointConfig {
        Range.CHECKPOINT_EVERY.check(every);
        Range.CHECKPOINT_KEEP.check(keep);
    }
}

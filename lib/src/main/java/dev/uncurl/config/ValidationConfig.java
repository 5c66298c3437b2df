package dev.uncurl.config;

/**
 * When and on how many sequences a training run measures its validation loss. Does not affect the result.
 *
 * @param every steps between two measurements, rounded up to the end of a row of training.metrics; 0: never
 * @param sequences number of validation sequences, always the same ones
 */
public record ValidationConfig(int every, int sequences) implements java.io.Serializable {
    public ValidationConfig {
        Range.VALIDATION_EVERY.check(every);
        Range.VALIDATION_SEQUENCES.check(sequences);
    }
}

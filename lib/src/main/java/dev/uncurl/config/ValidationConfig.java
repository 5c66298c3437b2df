package dev.uncurl.config;

/**
 * When and on how much a training run measures its loss on the validation split of its data. Does not touch the result.
 *
 * @param every steps of a rank between two measurements, rounded up to the end of a round; 0: never
 * @param sequences that are measured, always the same ones
 */
public record ValidationConfig(int every, int sequences) implements java.io.Serializable {
    public ValidationConfig {
        Range.VALIDATION_EVERY.check(every);
        Range.VALIDATION_SEQUENCES.check(sequences);
    }
}

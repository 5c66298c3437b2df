package dev.uncurl.config;

import static dev.uncurl.config.Check.check;

/**
 * When and on how much a training run measures its loss on the validation split of its data. Does not touch the result.
 *
 * @param every steps of a rank between two measurements, rounded up to the end of a round; 0: never
 * @param sequences that are measured, always the same ones
 */
public record ValidationConfig(int every, int sequences) implements java.io.Serializable {
    public ValidationConfig {
        check(every >= 0, "train.validation.every", every, "a number of steps, or 0 for no validation");
        check(sequences >= 1, "train.validation.sequences", sequences, "1 or more");
    }
}

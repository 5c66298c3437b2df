package dev.uncurl.corpus;

import dev.uncurl.error.UserError;

/**
 * Whether a text trains or validates. Decided by the text's content alone, so that it never moves: not with the order
 * or the number of files, and a copy of a text falls on the same side. With a larger fraction, what validated before
 * still does.
 */
public enum Split {
    TRAIN,
    VALIDATION;

    /**
     * @param text the document, or an example's inputs and targets together
     * @param validationFraction share that validates, in [0, 1]
     * @throws UserError (usage) for a fraction outside [0, 1]
     */
    public static Split of(String text, double validationFraction) {
        return of(ContentHash.of(text), validationFraction);
    }

    /**
     * @param content of the document or example
     * @param validationFraction share that validates, in [0, 1]
     * @throws UserError (usage) for a fraction outside [0, 1]
     */
    public static Split of(ContentHash content, double validationFraction) {
        if (!(validationFraction >= 0 && validationFraction <= 1)) {
            throw UserError.usage(
                    "validation fraction = " + validationFraction + " is not possible", "Set it between 0 and 1.");
        }
        double uniform = (content.prefix() >>> 11) * 0x1p-53; // in [0, 1)
        return uniform < validationFraction ? VALIDATION : TRAIN;
    }

    /** The name in tables: train, validation. */
    public String label() {
        return switch (this) {
            case TRAIN -> "train";
            case VALIDATION -> "validation";
        };
    }
}

package dev.uncurl.corpus;

import dev.uncurl.error.UserError;

/**
 * The split of a text: training or validation. It depends on the content only, so it does not change with the order or
 * number of files, and copies of a text are in the same split. A larger validation fraction keeps all texts of a
 * smaller one.
 */
public enum Split {
    TRAIN,
    VALIDATION;

    /**
     * @param text the document, or an example's inputs followed by its targets
     * @param validationFraction share of validation texts, in [0, 1]
     * @throws UserError (usage) for a fraction outside [0, 1]
     */
    public static Split of(String text, double validationFraction) {
        return of(ContentHash.of(text), validationFraction);
    }

    /**
     * @param content hash of the document or example
     * @param validationFraction share of validation texts, in [0, 1]
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

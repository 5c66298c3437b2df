package dev.uncurl.model;

import java.util.Arrays;

/**
 * What a batch may have.
 *
 * @param tokens most tokens of all sequences together
 * @param positions longest sequence
 * @param vocabulary token ids are below it
 */
record BatchLimits(int tokens, int positions, int vocabulary) {
    /** @throws IllegalArgumentException if the batch does not fit */
    void check(TokenBatch batch) {
        if (batch.size() > tokens) {
            throw new IllegalArgumentException("A batch of " + batch.rows() + " x " + batch.columns()
                    + " does not fit a model made for " + tokens + " tokens");
        }
        checkLength(batch.columns());
        for (int i = 0; i < batch.size(); i++) {
            int larger = Math.max(batch.tokens()[i], batch.targets()[i]);
            if (larger >= vocabulary) {
                checkToken(larger, "row " + i / batch.columns() + ", column " + i % batch.columns());
            }
        }
    }

    /** @throws IllegalArgumentException if the batch does not fit */
    void check(BranchedBatch batch) {
        int size = batch.tokens().length;
        if (size > tokens) {
            throw new IllegalArgumentException(
                    "A batch of " + size + " tokens does not fit a model made for " + tokens + " tokens");
        }
        checkLength(Arrays.stream(batch.positions()).max().orElse(0) + 1);
        checkToken(Arrays.stream(batch.tokens()).max().orElse(0), "a row");
        checkToken(Arrays.stream(batch.targets()).max().orElse(0), "a target");
    }

    private void checkLength(int length) {
        if (length > positions) {
            throw new IllegalArgumentException(
                    "Sequences of " + length + " tokens are longer than the model's " + positions + " positions");
        }
    }

    private void checkToken(int token, String place) {
        if (token >= vocabulary) {
            throw new IllegalArgumentException(
                    "Token " + token + " at " + place + " is outside the vocabulary of " + vocabulary);
        }
    }
}

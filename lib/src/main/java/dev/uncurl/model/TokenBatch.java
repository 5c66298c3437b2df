package dev.uncurl.model;

import java.io.Serializable;
import java.util.Arrays;
import java.util.List;

/**
 * B sequences of up to T tokens.
 *
 * @param tokens rows x columns token ids, row-major; -1 is padding, which occurs only at the right end of a row
 * @param targets for each position the token to predict there, or -1 where nothing is predicted
 * @param rows B
 * @param columns positions per row
 */
public record TokenBatch(int[] tokens, int[] targets, int rows, int columns) implements Serializable {
    /** In {@code tokens}: padding. In {@code targets}: no target. */
    public static final int NONE = -1;

    public TokenBatch {
        check(rows >= 1 && columns >= 1, "A batch needs rows and columns, not " + rows + " x " + columns);
        long size = (long) rows * columns;
        check(tokens.length == size, "A batch " + rows + " x " + columns + " cannot have " + tokens.length + " tokens");
        check(
                targets.length == size,
                "A batch " + rows + " x " + columns + " cannot have " + targets.length + " targets");
        for (int i = 0; i < size; i++) {
            if (tokens[i] < NONE || targets[i] < NONE) {
                throw new IllegalArgumentException("Token " + tokens[i] + " with target " + targets[i]
                        + place(i, columns) + ": both must be -1 or more");
            }
            if (tokens[i] == NONE && targets[i] != NONE) {
                throw new IllegalArgumentException(
                        "Padding with target " + targets[i] + place(i, columns) + ": use -1");
            }
            if (tokens[i] != NONE && i % columns > 0 && tokens[i - 1] == NONE) {
                throw new IllegalArgumentException("Token " + tokens[i] + " after padding" + place(i, columns)
                        + ": padding belongs at the right end");
            }
        }
    }

    private static String place(int index, int columns) {
        return " at row " + index / columns + ", column " + index % columns;
    }

    private static void check(boolean valid, String message) {
        if (!valid) {
            throw new IllegalArgumentException(message);
        }
    }

    /** A batch with each sequence's next tokens as targets, padded to the longest sequence. */
    public static TokenBatch ofSequences(List<int[]> sequences) {
        return Sequences.padded(
                sequences,
                sequences.stream()
                        .map(sequence -> Sequences.nextTokens(sequence, 1))
                        .toList());
    }

    /** rows x columns, padding included. */
    public int size() {
        return tokens.length;
    }

    /** Number of positions with a target. */
    public int predicted() {
        return (int) Arrays.stream(targets).filter(target -> target != NONE).count();
    }
}

package dev.uncurl.corpus;

import java.util.List;

/**
 * A training sequence.
 *
 * @param tokens T ids; padding, only at the end, is -1
 * @param documentStarts positions at which a document begins, ascending
 * @param sources of every document with a token here, in order; one more than there are starts where the sequence
 *     begins inside a document
 * @param padding how many of the tokens are padding
 */
public record PackedSequence(int[] tokens, int[] documentStarts, List<SourceRef> sources, int padding) {
    /** Stands where no token does. */
    public static final int PADDING = -1;
}

package dev.uncurl.corpus;

import java.util.List;

/**
 * A training sequence of packed documents.
 *
 * @param tokens T ids; padding, only at the end, is -1
 * @param documentStarts positions in [0, T) at which a document begins, ascending
 * @param sources of every document that has tokens here, in order; if the sequence begins inside a document, there is
 *     one source more than there are starts
 * @param padding how many of the tokens are padding
 */
public record PackedSequence(int[] tokens, int[] documentStarts, List<SourceRef> sources, int padding) {
    /** The value at positions without a token. */
    public static final int PADDING = -1;
}

package dev.uncurl.corpus;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Packs documents, each followed by the end-of-text id, one after another into sequences of exactly T tokens. No token
 * is dropped: {@code tokensIn() == T * sequences - padding + pending()}. Not thread-safe.
 */
public final class SequencePacker {
    private final int endOfText;
    private final int[] tokens;
    private final List<Integer> starts = new ArrayList<>();
    private final List<SourceRef> sources = new ArrayList<>();
    private int filled;
    private long tokensIn;
    private long documentsIn;

    /** @param sequenceLength T, 1 or more */
    public SequencePacker(int sequenceLength, int endOfText) {
        if (sequenceLength < 1 || endOfText < 0) {
            throw new IllegalArgumentException("sequence length " + sequenceLength + ", end of text " + endOfText);
        }
        this.tokens = new int[sequenceLength];
        this.endOfText = endOfText;
    }

    /**
     * Adds a document.
     *
     * @param source path of the file of the document
     * @param offset byte of the decompressed file at which the document begins
     * @param document its token ids, without the end-of-text id
     * @param full receives each completed sequence
     */
    public void add(String source, long offset, int[] document, Consumer<PackedSequence> full) {
        for (int id : document) {
            if (id < 0) {
                throw new IllegalArgumentException("token id " + id + " in " + source + " at byte " + offset);
            }
        }
        var reference = new SourceRef(source, offset);
        starts.add(filled);
        sources.add(reference);
        documentsIn++;
        tokensIn += document.length + 1L;
        int taken = 0;
        while (taken < document.length) {
            int step = Math.min(document.length - taken, tokens.length - filled);
            System.arraycopy(document, taken, tokens, filled, step);
            taken += step;
            filled += step;
            if (filled == tokens.length) {
                full.accept(take());
                sources.add(reference); // the next sequence begins inside this document
            }
        }
        tokens[filled++] = endOfText;
        if (filled == tokens.length) {
            full.accept(take());
        }
    }

    /** Pads and returns the current sequence; empty if it has no token yet. */
    public Optional<PackedSequence> flush() {
        return filled == 0 ? Optional.empty() : Optional.of(take());
    }

    private PackedSequence take() {
        int[] sequence = Arrays.copyOf(tokens, tokens.length);
        Arrays.fill(sequence, filled, sequence.length, PackedSequence.PADDING);
        int[] documentStarts = starts.stream().mapToInt(Integer::intValue).toArray();
        var packed = new PackedSequence(sequence, documentStarts, List.copyOf(sources), sequence.length - filled);
        starts.clear();
        sources.clear();
        filled = 0;
        return packed;
    }

    /** Tokens added so far, including end-of-text ids. */
    public long tokensIn() {
        return tokensIn;
    }

    public long documentsIn() {
        return documentsIn;
    }

    /** Tokens of the current, incomplete sequence. */
    public int pending() {
        return filled;
    }
}

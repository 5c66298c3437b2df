package dev.uncurl.tokenizer;

import java.util.Arrays;
import java.util.function.Function;

/**
 * Encodes text piece by piece and remembers the ids of short pieces: words repeat, so that most are looked up instead of
 * merged again. A fixed table in which a newer piece takes an older one's place; for one thread.
 */
final class PieceCache {
    private static final int SLOTS = 1 << 16;

    /** Longer pieces seldom come again. */
    private static final int LONGEST = 24;

    private final Function<String, int[]> encoder;
    private final String[] pieces = new String[SLOTS];
    private final int[][] ids = new int[SLOTS][];
    private int[] out = new int[1 << 10];
    private int size;

    /** @param encoder of what is not remembered */
    PieceCache(Function<String, int[]> encoder) {
        this.encoder = encoder;
    }

    int[] encode(String text) {
        size = 0;
        int length = text.length();
        for (int from = 0; from < length; ) {
            int end = Pieces.end(text, from);
            append(end - from > LONGEST ? encoder.apply(text.substring(from, end)) : lookUp(text, from, end));
            from = end;
        }
        int[] result = Arrays.copyOf(out, size);
        if (out.length > 1 << 20) {
            out = new int[1 << 10];
        }
        return result;
    }

    private int[] lookUp(String text, int from, int end) {
        int hash = 0;
        for (int i = from; i < end; i++) {
            hash = hash * 0x01000193 ^ text.charAt(i);
        }
        int slot = (hash * 0x9e3779b9) >>> 16;
        String known = pieces[slot];
        if (known != null && known.length() == end - from && text.startsWith(known, from)) {
            return ids[slot];
        }
        String piece = text.substring(from, end);
        int[] found = encoder.apply(piece);
        pieces[slot] = piece;
        ids[slot] = found;
        return found;
    }

    private void append(int[] more) {
        if (size + more.length > out.length) {
            out = Arrays.copyOf(out, Math.max(size + more.length, 2 * out.length));
        }
        for (int id : more) {
            out[size++] = id;
        }
    }
}

package dev.uncurl.tokenizer;

import java.util.Arrays;
import java.util.function.Function;

/**
 * Encodes text piece by piece and remembers the ids of short pieces: words repeat, so that most are looked up instead of
 * merged again. Fixed tables, in which a newer piece takes an older one's place; for one thread.
 */
final class PieceCache {
    private static final int SLOTS = 1 << 17;

    /** Longer pieces seldom come again. */
    private static final int LONGEST = 24;

    /** Pieces of up to this many ASCII characters are keys of 7 bits a character. */
    private static final int PACKED = 9;

    private static final int PACKED_BITS = 17;

    private final Function<String, int[]> encoder;

    /** Key and value, side by side: most lookups touch one cache line. A value is a count and up to three ids. */
    private final long[] packed = new long[2 << PACKED_BITS];

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
            if (!appendPacked(text, from, end)) {
                append(end - from > LONGEST ? encoder.apply(text.substring(from, end)) : lookUp(text, from, end));
            }
            from = end;
        }
        int[] result = Arrays.copyOf(out, size);
        if (out.length > 1 << 20) {
            out = new int[1 << 10];
        }
        return result;
    }

    /** Appends the ids of a piece that a key and a value can hold; false for one that they cannot. */
    private boolean appendPacked(String text, int from, int end) {
        if (end - from > PACKED) {
            return false;
        }
        long key = 0;
        for (int i = from; i < end; i++) {
            char c = text.charAt(i);
            if (c == 0 || c > 127) {
                return false;
            }
            key = key << 7 | c;
        }
        int slot = (int) (key * 0x9e3779b97f4a7c15L >>> 64 - PACKED_BITS) << 1;
        if (packed[slot] != key) {
            int[] found = encoder.apply(text.substring(from, end));
            if (found.length > 3) {
                append(found);
                return true;
            }
            long value = found.length;
            for (int i = 0; i < 3; i++) {
                value = value << 16 | (i < found.length ? found[i] : 0);
            }
            packed[slot] = key;
            packed[slot + 1] = value;
        }
        long value = packed[slot + 1];
        int count = (int) (value >>> 48);
        if (size + 3 > out.length) {
            out = Arrays.copyOf(out, 2 * out.length);
        }
        out[size] = (int) (value >>> 32) & 0xffff;
        out[size + 1] = (int) (value >>> 16) & 0xffff;
        out[size + 2] = (int) value & 0xffff;
        size += count;
        return true;
    }

    private int[] lookUp(String text, int from, int end) {
        int hash = 0;
        for (int i = from; i < end; i++) {
            hash = hash * 0x01000193 ^ text.charAt(i);
        }
        int slot = (hash * 0x9e3779b9) >>> 15 & ~1;
        if (holds(slot, text, from, end)) {
            return ids[slot];
        }
        if (holds(slot + 1, text, from, end)) {
            return ids[slot + 1];
        }
        String piece = text.substring(from, end);
        int[] found = encoder.apply(piece);
        // of the two places of a hash the second keeps its first piece: frequent pieces come early
        int place = pieces[slot + 1] == null ? slot + 1 : slot;
        pieces[place] = piece;
        ids[place] = found;
        return found;
    }

    private boolean holds(int slot, String text, int from, int end) {
        String known = pieces[slot];
        return known != null && known.length() == end - from && text.startsWith(known, from);
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

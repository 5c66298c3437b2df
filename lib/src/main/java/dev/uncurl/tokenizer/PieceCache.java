package dev.uncurl.tokenizer;

import java.util.Arrays;
import java.util.function.Function;

/**
 * Encodes text piece by piece and caches the ids of short pieces: words repeat, so most pieces are looked up instead of
 * merged again. The tables have a fixed size; a new piece replaces an older one. Ids may be any int. For one thread.
 */
final class PieceCache {
    private static final int SLOTS = 1 << 17;

    /** Longest cached piece; longer ones rarely repeat. */
    private static final int LONGEST = 24;

    /** Pieces of up to this many ASCII characters are packed into keys of 7 bits per character. */
    private static final int PACKED = 9;

    private static final int PACKED_BITS = 17;
    /** Bits of an id in a packed value: three ids and their count are 64 bits. Pieces with larger ids are not cached. */
    private static final int ID_BITS = 20;

    private static final int ID_MASK = (1 << ID_BITS) - 1;

    private final Function<String, int[]> encoder;

    /** Keys and values, alternating, so that most lookups touch one cache line. A value is a count and three ids. */
    private final long[] packed = new long[2 << PACKED_BITS];

    private final String[] pieces = new String[SLOTS];
    private final int[][] ids = new int[SLOTS][];
    private int[] out = new int[1 << 10];
    private int size;

    /** @param encoder encodes a piece that is not cached */
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

    /** Appends the ids of a piece that fits a packed key; returns false for other pieces. */
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
            if (!isPackable(found)) {
                append(found);
                return true;
            }
            long value = found.length;
            for (int i = 0; i < 3; i++) {
                value = value << ID_BITS | (i < found.length ? found[i] : 0);
            }
            packed[slot] = key;
            packed[slot + 1] = value;
        }
        long value = packed[slot + 1];
        int count = (int) (value >>> 3 * ID_BITS);
        if (size + 3 > out.length) {
            out = Arrays.copyOf(out, 2 * out.length);
        }
        out[size] = (int) (value >>> 2 * ID_BITS) & ID_MASK;
        out[size + 1] = (int) (value >>> ID_BITS) & ID_MASK;
        out[size + 2] = (int) value & ID_MASK;
        size += count;
        return true;
    }

    private static boolean isPackable(int[] ids) {
        int all = 0;
        for (int id : ids) {
            all |= id;
        }
        return ids.length <= 3 && (all & ~ID_MASK) == 0;
    }

    private int[] lookUp(String text, int from, int end) {
        int hash = 0;
        for (int i = from; i < end; i++) {
            hash = hash * 0x01000193 ^ text.charAt(i);
        }
        int slot = (hash * 0x9e3779b9) >>> 15 & ~1;
        if (contains(slot, text, from, end)) {
            return ids[slot];
        }
        if (contains(slot + 1, text, from, end)) {
            return ids[slot + 1];
        }
        String piece = text.substring(from, end);
        int[] found = encoder.apply(piece);
        // of the two slots of a hash, the second one keeps its first piece, because frequent pieces occur early
        int target = pieces[slot + 1] == null ? slot + 1 : slot;
        pieces[target] = piece;
        ids[target] = found;
        return found;
    }

    private boolean contains(int slot, String text, int from, int end) {
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

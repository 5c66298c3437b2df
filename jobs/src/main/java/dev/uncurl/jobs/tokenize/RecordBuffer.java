package dev.uncurl.jobs.tokenize;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A growing buffer of records, big-endian. A sequence of token ids takes two bytes per id if all its ids are below
 * 65,535; otherwise it takes four bytes per id and its length is negative.
 */
final class RecordBuffer {
    /** The two-byte code of padding (id -1). */
    private static final int PADDING = 0xffff;

    private byte[] bytes = new byte[1 << 12];
    private int size;

    private void reserve(int more) {
        if (size + more > bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.max(size + more, 2 * bytes.length));
        }
    }

    RecordBuffer put(int value) {
        reserve(4);
        bytes[size++] = (byte) (value >>> 24);
        bytes[size++] = (byte) (value >>> 16);
        bytes[size++] = (byte) (value >>> 8);
        bytes[size++] = (byte) value;
        return this;
    }

    RecordBuffer put(long value) {
        return put((int) (value >>> 32)).put((int) value);
    }

    RecordBuffer put(String text) {
        byte[] encoded = text.getBytes(StandardCharsets.UTF_8);
        put(encoded.length);
        reserve(encoded.length);
        System.arraycopy(encoded, 0, bytes, size, encoded.length);
        size += encoded.length;
        return this;
    }

    RecordBuffer put(int[] values) {
        put(values.length);
        for (int value : values) {
            put(value);
        }
        return this;
    }

    /** @param tokens ids, or -1 for padding */
    RecordBuffer putTokens(int[] tokens) {
        int largest = 0;
        for (int token : tokens) {
            largest = Math.max(largest, token);
        }
        return largest < PADDING ? putNarrow(tokens) : putWide(tokens);
    }

    private RecordBuffer putNarrow(int[] tokens) {
        put(tokens.length);
        reserve(2 * tokens.length);
        byte[] to = bytes;
        int at = size;
        for (int token : tokens) {
            int id = token < 0 ? PADDING : token;
            to[at++] = (byte) (id >>> 8);
            to[at++] = (byte) id;
        }
        size = at;
        return this;
    }

    private RecordBuffer putWide(int[] tokens) {
        put(-tokens.length);
        for (int token : tokens) {
            put(token);
        }
        return this;
    }

    /** Overwrites an int at a position. */
    void putAt(int position, int value) {
        int end = size;
        size = position;
        put(value);
        size = end;
    }

    byte[] bytes() {
        return bytes;
    }

    int size() {
        return size;
    }

    /** Reads values in the order in which they were put. */
    static final class Reader {
        private final byte[] bytes;
        private final int end;
        private int at;

        Reader(byte[] bytes, int from, int end) {
            this.bytes = bytes;
            this.at = from;
            this.end = end;
        }

        boolean atEnd() {
            return at >= end;
        }

        int position() {
            return at;
        }

        void skip(int count) {
            at += count;
        }

        int getInt() {
            int value =
                    bytes[at] << 24 | (bytes[at + 1] & 255) << 16 | (bytes[at + 2] & 255) << 8 | bytes[at + 3] & 255;
            at += 4;
            return value;
        }

        long getLong() {
            return (long) getInt() << 32 | getInt() & 0xffffffffL;
        }

        String getString() {
            int length = getInt();
            at += length;
            return new String(bytes, at - length, length, StandardCharsets.UTF_8);
        }

        int[] getInts() {
            int[] values = new int[getInt()];
            for (int i = 0; i < values.length; i++) {
                values[i] = getInt();
            }
            return values;
        }

        int[] getTokens() {
            int length = getInt();
            int[] tokens = new int[Math.abs(length)];
            if (length < 0) {
                for (int i = 0; i < tokens.length; i++) {
                    tokens[i] = getInt();
                }
                return tokens;
            }
            for (int i = 0; i < tokens.length; i++, at += 2) {
                int id = (bytes[at] & 255) << 8 | bytes[at + 1] & 255;
                tokens[i] = id == PADDING ? -1 : id;
            }
            return tokens;
        }
    }
}

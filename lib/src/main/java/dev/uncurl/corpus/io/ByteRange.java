package dev.uncurl.corpus.io;

/**
 * A part of an uncompressed file. A document or row belongs to the part in which it begins, and is read completely even
 * if it ends after the part. If a file is divided into parts in any way, each document belongs to exactly one of them.
 *
 * @param start first byte, from 0
 * @param end the byte after the last one
 */
public record ByteRange(long start, long end) {
    public static final ByteRange WHOLE = new ByteRange(0, Long.MAX_VALUE);

    /**
     * Bytes before the range that a reader needs to decide whether a document begins at the start. The preceding empty
     * line is at most a line end, eight byte order marks of three bytes, CR and LF.
     */
    private static final int BEFORE = 32;

    public ByteRange {
        if (start < 0 || end < start) {
            throw new IllegalArgumentException("bytes " + start + " to " + end);
        }
    }

    /** @param length bytes of the part; may exceed the end of the file */
    public static ByteRange of(long start, long length) {
        return new ByteRange(start, length > Long.MAX_VALUE - start ? Long.MAX_VALUE : start + length);
    }

    /** The byte at which a reader must begin. */
    public long from() {
        return Math.max(0, start - BEFORE);
    }
}

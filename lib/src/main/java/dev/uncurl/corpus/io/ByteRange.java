package dev.uncurl.corpus.io;

/**
 * A part of a plain file: it has the documents or rows that begin in it, whole, although the last may end beyond. So
 * the parts of any cutting of a file together have each document once.
 *
 * @param start first byte, from 0
 * @param end the byte after the last
 */
public record ByteRange(long start, long end) {
    public static final ByteRange WHOLE = new ByteRange(0, Long.MAX_VALUE);

    /**
     * What must be seen before a byte to know whether a document begins there: an empty line, which is at most a line
     * end, eight byte order marks of three bytes, CR and LF.
     */
    private static final int BEFORE = 32;

    public ByteRange {
        if (start < 0 || end < start) {
            throw new IllegalArgumentException("bytes " + start + " to " + end);
        }
    }

    /** @param length may be larger than what the file has */
    public static ByteRange of(long start, long length) {
        return new ByteRange(start, length > Long.MAX_VALUE - start ? Long.MAX_VALUE : start + length);
    }

    /** The byte from which the file must be read. */
    public long from() {
        return Math.max(0, start - BEFORE);
    }
}

package dev.uncurl.corpus.io;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/**
 * Reads lines of bytes with their positions. A line ends with LF or CRLF. Byte order marks at the start of a line,
 * which occur where files were concatenated, are skipped. Of a line longer than the cap, only the beginning is kept. A
 * line that damage truncates is not returned.
 *
 * <p>In a part of a file, the line in which reading begins is skipped. The reader does not stop at the end of the part:
 * it continues as long as the caller asks for lines, so that a document can end after the part.
 */
public final class LineReader implements Closeable {
    private static final int KEPT_OF_LONG_LINE = 1 << 10;
    private static final int MOST_MARKS = 8;
    private static final byte[] BYTE_ORDER_MARK = {(byte) 0xef, (byte) 0xbb, (byte) 0xbf};

    private final InputStream in;
    private final int cap;
    private final ByteRange range;
    private final byte[] buffer = new byte[1 << 16];
    private int position;
    private int limit;
    private long consumed;
    private byte[] line = new byte[1 << 12];
    private int length;
    private long begin;
    private long offset;
    private long number;
    private boolean tooLong;
    private boolean ended;
    private IOException damage;

    /**
     * @param in input, positioned at byte {@code range.from()}
     * @param cap largest length of a line in bytes
     */
    public LineReader(InputStream in, int cap, ByteRange range) {
        this.in = in;
        this.cap = cap;
        this.range = range;
        this.consumed = range.from();
        if (consumed > 0) {
            skipLine();
        }
    }

    /** Whether this line begins outside the range, so that it belongs to another part. */
    public boolean outside() {
        return begin < range.start() || begin >= range.end();
    }

    /** Whether the end of the range is reached, so that no more lines begin in it. */
    public boolean atEnd() {
        return consumed >= range.end();
    }

    /**
     * Skips the rest of a line, but stops soon after the end of the range, since the line may be as long as the file.
     */
    private void skipLine() {
        boolean ended = false;
        while (!ended && !atEnd() && (position < limit || fill())) {
            int end = lineEnd();
            ended = end < limit;
            consumed += end - position + (ended ? 1 : 0);
            position = ended ? end + 1 : end;
        }
    }

    private int lineEnd() {
        int end = position;
        while (end < limit && buffer[end] != '\n') {
            end++;
        }
        return end;
    }

    /** Reads the next line; returns false at the end of the input or at damage. */
    public boolean next() {
        if (line.length > 1 << 20) {
            line = new byte[1 << 12];
        }
        length = 0;
        tooLong = false;
        ended = false;
        begin = consumed;
        boolean any = false;
        while (true) {
            if (position == limit && !fill()) {
                return damage == null && any && finish();
            }
            any = true;
            int end = lineEnd();
            append(position, end);
            ended = end < limit;
            consumed += end - position + (ended ? 1 : 0);
            position = ended ? end + 1 : end;
            if (ended) {
                return finish();
            }
        }
    }

    private boolean finish() {
        number++;
        if (length > 0 && line[length - 1] == '\r') {
            length--;
        }
        int marks = 0;
        while (marks < 3 * MOST_MARKS
                && marks + 3 <= length
                && Arrays.equals(line, marks, marks + 3, BYTE_ORDER_MARK, 0, 3)) {
            marks += 3;
        }
        if (marks > 0) {
            length -= marks;
            System.arraycopy(line, marks, line, 0, length);
        }
        offset = begin + marks;
        return true;
    }

    private void append(int from, int to) {
        int added = to - from;
        if (tooLong || (long) length + added > cap) {
            tooLong = true;
            length = Math.min(length, KEPT_OF_LONG_LINE);
            added = Math.min(added, KEPT_OF_LONG_LINE - length);
        }
        if (length + added > line.length) {
            line = Arrays.copyOf(line, (int) Math.max(length + added, Math.min(cap, 2L * length)));
        }
        System.arraycopy(buffer, from, line, length, added);
        length += added;
    }

    private boolean fill() {
        try {
            position = 0;
            limit = Math.max(damage == null ? in.read(buffer, 0, buffer.length) : -1, 0);
        } catch (IOException e) {
            limit = 0;
            damage = e;
        }
        return limit > 0;
    }

    /** The bytes of the line without its line end, at [0, length); valid until the next call of {@link #next}. */
    public byte[] bytes() {
        return line;
    }

    public int length() {
        return length;
    }

    /** Whether the line ended with a line end; false if it ended with the file. */
    public boolean ended() {
        return ended;
    }

    /** Byte at which the line begins, after its byte order marks. */
    public long offset() {
        return offset;
    }

    /** Number of the line, from 1; 0 in a part of a file, where it is unknown. */
    public long number() {
        return range == ByteRange.WHOLE ? number : 0;
    }

    public boolean tooLong() {
        return tooLong;
    }

    /** Position after the last byte read, including line ends. */
    public long consumed() {
        return consumed;
    }

    /** The exception that ended the input early; null if there was none. */
    public IOException damage() {
        return damage;
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}

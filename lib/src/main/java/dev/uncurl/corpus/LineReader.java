package dev.uncurl.corpus;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/**
 * Lines of bytes with their places. A line ends with LF or CRLF; a byte order mark at the start of the file is passed
 * over. A line beyond the cap is read to its end, but only its beginning is kept. A line cut off by damage is not given.
 */
final class LineReader implements Closeable {
    private static final int KEPT_OF_LONG_LINE = 1 << 10;
    private static final byte[] BYTE_ORDER_MARK = {(byte) 0xef, (byte) 0xbb, (byte) 0xbf};

    private final InputStream in;
    private final int cap;
    private final byte[] buffer = new byte[1 << 16];
    private int position;
    private int limit;
    private long consumed;
    private byte[] line = new byte[1 << 12];
    private int length;
    private long offset;
    private long number;
    private boolean tooLong;
    private IOException damage;

    LineReader(InputStream in, int cap) {
        this.in = in;
        this.cap = cap;
    }

    /** Goes to the next line; false at the end or at damage. */
    boolean next() {
        if (line.length > 1 << 20) {
            line = new byte[1 << 12];
        }
        length = 0;
        tooLong = false;
        offset = consumed;
        boolean any = false;
        while (true) {
            if (position == limit && !fill()) {
                return damage == null && any && finish();
            }
            any = true;
            int end = position;
            while (end < limit && buffer[end] != '\n') {
                end++;
            }
            append(position, end);
            boolean ended = end < limit;
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
        if (number == 1 && length >= 3 && Arrays.equals(line, 0, 3, BYTE_ORDER_MARK, 0, 3)) {
            length -= 3;
            System.arraycopy(line, 3, line, 0, length);
            offset += 3;
        }
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
            line = Arrays.copyOf(line, (int) Math.min(Integer.MAX_VALUE - 8, Math.max(length + added, 2L * length)));
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

    /** The line's bytes, without its end, in [0, length); valid until the next call. */
    byte[] bytes() {
        return line;
    }

    int length() {
        return length;
    }

    /** Byte at which the line begins. */
    long offset() {
        return offset;
    }

    /** Number of the line, from 1. */
    long number() {
        return number;
    }

    boolean tooLong() {
        return tooLong;
    }

    /** Bytes read so far, line ends with them. */
    long consumed() {
        return consumed;
    }

    /** What ended the input early; null if nothing did. */
    IOException damage() {
        return damage;
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}

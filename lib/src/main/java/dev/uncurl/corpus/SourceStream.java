package dev.uncurl.corpus;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/**
 * The bytes of a file as the file system gives them. Its failures are unchecked: a disk or a network that fails is no
 * damage of the data, and must stop the task instead of becoming a rejection.
 */
final class SourceStream extends InputStream {
    private final InputStream in;
    private final String path;
    private long count;

    /** @param from where in the file the stream stands */
    SourceStream(String path, InputStream in, long from) {
        this.path = path;
        this.in = in;
        this.count = from;
    }

    /** The byte of the file up to which its bytes have been given. */
    long count() {
        return count;
    }

    @Override
    public int read() {
        var one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] b, int off, int len) {
        try {
            int n = in.read(b, off, len);
            count += Math.max(n, 0);
            return n;
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + path + " at byte " + count, e);
        }
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}

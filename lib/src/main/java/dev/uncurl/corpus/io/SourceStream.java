package dev.uncurl.corpus.io;

import dev.uncurl.error.UserError;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import org.apache.hadoop.fs.ChecksumException;

/**
 * The raw bytes of a file. A failure of the file system is thrown unchecked: a failing disk or network does not mean
 * damaged data, so it must stop the task and must not become a rejection.
 */
final class SourceStream extends InputStream {
    private final InputStream in;
    private final String path;
    private long count;
    private PartHash hash;

    /** @param from position of the stream in the file, in bytes */
    SourceStream(String path, InputStream in, long from) {
        this.path = path;
        this.in = in;
        this.count = from;
    }

    /** The position in the file after the last byte read. */
    long count() {
        return count;
    }

    /** Also hashes all bytes that are read from now on. */
    void hashInto(PartHash part) {
        hash = part;
        part.readBy(this);
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
            if (n > 0) {
                if (hash != null) {
                    hash.update(b, off, n, count);
                }
                count += n;
            }
            return n;
        } catch (ChecksumException e) {
            throw UserError.input(
                    "input " + path + " does not match its checksum file: " + e.getMessage(),
                    "Restore the file, or remove its hidden checksum file, which ends with .crc, in the same folder.",
                    e);
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + path + " at byte " + count, e);
        }
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}

package dev.uncurl.corpus.io;

import dev.uncurl.error.UserError;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import org.apache.hadoop.fs.ChecksumException;

/**
 * The bytes of a file as the file system gives them. Its failures are unchecked: a disk or a network that fails is no
 * damage of the data, and must stop the task instead of becoming a rejection.
 */
final class SourceStream extends InputStream {
    private final InputStream in;
    private final String path;
    private long count;
    private PartHash hash;

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

    /** From now on, what is read is hashed, too. */
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
                    "input " + path + " is not what its checksum file says: " + e.getMessage(),
                    "Restore the file, or remove the hidden file beside it that ends with .crc.",
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

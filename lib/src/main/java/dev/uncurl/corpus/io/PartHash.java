package dev.uncurl.corpus.io;

import dev.uncurl.error.UserError;
import java.security.MessageDigest;
import org.apache.commons.codec.binary.Hex;
import org.apache.commons.codec.digest.DigestUtils;

/**
 * The SHA-256 of the bytes on disk of a part of a file, computed while a reader reads them. Since the same bytes are
 * read and hashed in one pass, the hash identifies what the reader read, without assumptions about clocks, modification
 * times or the file system. Use one object for one pass.
 */
public final class PartHash {
    private final String file;
    private final long start;
    private final long end;
    private final boolean last;
    private final MessageDigest digest = DigestUtils.getSha256Digest();
    private SourceStream stream;

    /**
     * @param file its path, for messages
     * @param start first byte
     * @param bytes of the part
     * @param last whether the file ends at the end of the part
     */
    public PartHash(String file, long start, long bytes, boolean last) {
        this.file = file;
        this.start = start;
        this.end = start + bytes;
        this.last = last;
    }

    void readBy(SourceStream source) {
        stream = source;
    }

    /** @param at position in the file of the first byte */
    void update(byte[] bytes, int offset, int count, long at) {
        long from = Math.max(start, at);
        long to = Math.min(end, at + count);
        if (from < to) {
            digest.update(bytes, offset + (int) (from - at), (int) (to - from));
        }
    }

    /**
     * Reads the rest of the part, which the reader did not read, and returns the hash in hexadecimal. Call it once,
     * while the reader is open.
     *
     * @throws UserError (input) if the file has become shorter or longer
     */
    public String hex() {
        var rest = new byte[1 << 16];
        while (stream.count() < end && stream.read(rest, 0, rest.length) >= 0) {
            // reading updates the hash
        }
        if (stream.count() < end || last && (stream.count() > end || stream.read(rest, 0, 1) >= 0)) {
            throw changed();
        }
        return Hex.encodeHexString(digest.digest());
    }

    /**
     * Like {@link #hex()}, and checks the hash.
     *
     * @param sha256 expected hash
     * @throws UserError (input) if the hash differs, because the file has changed
     */
    public void require(String sha256) {
        if (!hex().equals(sha256)) {
            throw changed();
        }
    }

    private UserError changed() {
        return UserError.input(
                "input " + file + " was changed while it was read",
                "No table was changed. Run again when no other process writes to the file.");
    }
}

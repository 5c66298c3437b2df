package dev.uncurl.corpus.io;

import dev.uncurl.error.UserError;
import java.security.MessageDigest;
import org.apache.commons.codec.binary.Hex;
import org.apache.commons.codec.digest.DigestUtils;

/**
 * The SHA-256 of a part of a file, of its bytes on disk, taken while a reader reads them. That the reader read what was
 * hashed needs no assumption on clocks, modification times or the file system: both are the same bytes, in the same
 * pass. One object is for one reading.
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
     * @param last whether the file ends with the part
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

    /** @param at place in the file of the first of the bytes */
    void update(byte[] bytes, int offset, int count, long at) {
        long from = Math.max(start, at);
        long to = Math.min(end, at + count);
        if (from < to) {
            digest.update(bytes, offset + (int) (from - at), (int) (to - from));
        }
    }

    /**
     * Reads what the reader left of the part and gives the hash, in hexadecimal. To be called once, while the reader is
     * open.
     *
     * @throws UserError (input) when the file is shorter or longer than it was
     */
    public String hex() {
        var rest = new byte[1 << 16];
        while (stream.count() < end && stream.read(rest, 0, rest.length) >= 0) {
            // the stream hashes as it reads
        }
        if (stream.count() < end || last && (stream.count() > end || stream.read(rest, 0, 1) >= 0)) {
            throw changed();
        }
        return Hex.encodeHexString(digest.digest());
    }

    /**
     * As {@link #hex()}.
     *
     * @param sha256 what it must be
     * @throws UserError (input) when it is not: the file was changed in between
     */
    public void require(String sha256) {
        if (!hex().equals(sha256)) {
            throw changed();
        }
    }

    private UserError changed() {
        return UserError.input(
                "input " + file + " was changed while it was read",
                "No table was changed. Run again when nothing writes to the file.");
    }
}

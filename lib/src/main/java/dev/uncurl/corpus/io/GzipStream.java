package dev.uncurl.corpus.io;

import java.io.IOException;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * The contents of a gzip file: all its members, one after another. Unlike the stream of java.util.zip, it returns every
 * byte before damaged data, and only then throws. Zero bytes after the last member are ignored.
 *
 * <p>A member ends with its checksum, so when a checksum is found to be wrong, the bytes of the member have already
 * been returned.
 */
final class GzipStream extends BlockStream {
    private static final String REASON = "damaged gzip data";

    private final SourceStream in;
    private final Inflater inflater = new Inflater(true);
    private final CRC32 crc = new CRC32();
    private final byte[] buffer = new byte[1 << 16];
    private int position;
    private int limit;
    private int members;
    private boolean inMember;
    private boolean ended;
    private DamageException damage;

    GzipStream(SourceStream in) {
        this.in = in;
    }

    @Override
    public int read(byte[] b, int off, int len) throws IOException {
        if (len == 0) {
            return 0;
        }
        while (true) {
            if (damage != null) {
                throw damage;
            }
            if (!ended && !inMember) {
                ended = !startMember();
                inMember = !ended;
            }
            if (ended) {
                return -1;
            }
            int n = inflate(b, off, len);
            if (n > 0) {
                crc.update(b, off, n);
                return n;
            }
        }
    }

    /**
     * Returns the number of decompressed bytes; 0 after other progress. At bad data, returns the bytes before it and
     * keeps the exception for the next read.
     */
    private int inflate(byte[] b, int off, int len) throws IOException {
        long before = inflater.getBytesWritten();
        try {
            int n = inflater.inflate(b, off, len);
            if (n == 0) {
                proceed();
            }
            return n;
        } catch (DataFormatException e) {
            damage = damage("member " + members + ": " + e.getMessage());
            return (int) (inflater.getBytesWritten() - before);
        }
    }

    private void proceed() throws IOException {
        if (inflater.finished()) {
            position = limit - inflater.getRemaining();
            endMember();
        } else if (inflater.needsDictionary()) {
            throw damage("member " + members + " needs a preset dictionary");
        } else if (inflater.needsInput()) {
            if (!fill()) {
                throw damage("the file ends inside member " + members);
            }
            inflater.setInput(buffer, position, limit - position);
        }
    }

    /** Reads the header of a member; returns false at the end of the file. */
    private boolean startMember() throws IOException {
        int first = next();
        boolean padded = members > 0 && first == 0;
        while (members > 0 && first == 0) {
            first = next();
        }
        if (first < 0 && members > 0) {
            return false;
        }
        if (first != 0x1f || padded || need() != 0x8b || need() != 8) {
            throw damage(
                    members == 0 ? "no gzip header" : "the bytes after member " + members + " are not a gzip header");
        }
        members++;
        int flags = need();
        if ((flags & 0xe0) != 0) {
            throw damage("member " + members + " has unknown header flags");
        }
        skip(6); // time, extra flags, system
        if ((flags & 4) != 0) {
            skip(need() | need() << 8);
        }
        for (int text = flags & 0x18; text != 0; text &= text - 1) { // name, comment
            while (need() != 0) {}
        }
        skip((flags & 2) != 0 ? 2 : 0);
        inflater.reset();
        inflater.setInput(buffer, position, limit - position);
        crc.reset();
        return true;
    }

    private void endMember() throws IOException {
        long wantedCrc = needInt();
        long wantedSize = needInt();
        if (wantedCrc != crc.getValue() || wantedSize != (inflater.getBytesWritten() & 0xffffffffL)) {
            throw damage("the checksum or length of member " + members + " is wrong, so its text is damaged");
        }
        inMember = false;
    }

    private DamageException damage(String detail) {
        return damage = new DamageException(REASON, detail, in.count() - (limit - position));
    }

    private boolean fill() {
        position = 0;
        limit = Math.max(in.read(buffer, 0, buffer.length), 0);
        return limit > 0;
    }

    private int next() {
        return position < limit || fill() ? buffer[position++] & 0xff : -1;
    }

    private int need() throws IOException {
        int b = next();
        if (b < 0) {
            throw damage("the file ends inside the header or checksum of member " + Math.max(members, 1));
        }
        return b;
    }

    private long needInt() throws IOException {
        return need() | need() << 8 | need() << 16 | (long) need() << 24;
    }

    private void skip(int bytes) throws IOException {
        for (int i = 0; i < bytes; i++) {
            need();
        }
    }

    @Override
    public void close() throws IOException {
        inflater.end();
        in.close();
    }
}

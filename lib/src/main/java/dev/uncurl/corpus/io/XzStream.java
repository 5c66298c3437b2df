package dev.uncurl.corpus.io;

import java.io.IOException;
import org.tukaani.xz.XZInputStream;

/**
 * The contents of an xz file: all its streams, one after another. Damage also loses up to one LZMA2 chunk (64 kB
 * compressed) before it, because a chunk is decoded completely or not at all.
 */
final class XzStream extends BlockStream {
    /** More than {@code xz -9} needs (65 MiB), and small enough for an executor. */
    private static final int MEMORY_LIMIT_KIB = 256 << 10;

    /** Small reads limit the data lost to corruption. */
    private static final int STEP = 4 << 10;

    private final SourceStream in;
    private XZInputStream xz;

    XzStream(SourceStream in) {
        this.in = in;
    }

    @Override
    public int read(byte[] b, int off, int len) throws IOException {
        try {
            if (xz == null) {
                xz = new XZInputStream(in, MEMORY_LIMIT_KIB);
            }
            return xz.read(b, off, Math.min(len, STEP));
        } catch (IOException e) {
            String detail = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
            throw new DamageException("damaged xz data", detail, in.count());
        }
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}

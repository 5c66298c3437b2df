package dev.uncurl.corpus.io;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * The contents of a zstd file: all its frames, one after another; skippable frames are skipped. Unlike the stream of
 * zstd-jni, it reports a truncated frame as damage even if other frames precede it. Damage loses the text of its block
 * (up to 128 kB) and up to 4 kB of text before it. A frame whose window is larger than 128 MiB, as made by {@code zstd
 * --long=28} and above, counts as damaged, because it would need that much memory.
 *
 * <p>A frame ends with its checksum, so when a checksum is found to be wrong, most bytes of the frame have already been
 * returned.
 */
final class ZstdStream extends BlockStream {
    /** Small steps limit the data lost to corruption. */
    private static final int STEP = 4 << 10;

    private final SourceStream in;
    private final ZstdDecompressCtx context = new ZstdDecompressCtx();
    private final byte[] read = new byte[1 << 16];
    private final ByteBuffer compressed = ByteBuffer.allocateDirect(read.length).limit(0);
    private final ByteBuffer text = ByteBuffer.allocateDirect(STEP).limit(0);
    private int frames;
    private boolean inFrame;

    ZstdStream(SourceStream in) {
        this.in = in;
    }

    @Override
    public int read(byte[] b, int off, int len) throws IOException {
        if (len == 0) {
            return 0;
        }
        while (!text.hasRemaining()) {
            if (!inFrame && !compressed.hasRemaining() && !fill()) {
                if (frames == 0) {
                    throw damage("the file is empty");
                }
                return -1;
            }
            decompress();
        }
        int n = Math.min(len, text.remaining());
        text.get(b, off, n);
        return n;
    }

    /** Decompresses up to one step of text; the result may be empty. */
    private void decompress() throws IOException {
        if (!inFrame) {
            frames++;
            inFrame = true;
        }
        text.clear();
        int before = compressed.remaining();
        try {
            inFrame = !context.decompressDirectByteBufferStream(text, compressed);
        } catch (ZstdException e) {
            text.limit(0);
            throw damage("frame " + frames + ": " + Zstd.getErrorName(-e.getErrorCode()));
        }
        text.flip();
        if (inFrame && !text.hasRemaining() && compressed.remaining() == before && !fill()) {
            throw damage("the file ends inside frame " + frames);
        }
    }

    /** Reads more input, after the bytes that are not yet used; returns false at the end of the file. */
    private boolean fill() {
        compressed.compact();
        int n = in.read(read, 0, compressed.remaining());
        compressed.put(read, 0, Math.max(n, 0)).flip();
        return n > 0;
    }

    private DamageException damage(String detail) {
        return new DamageException("damaged zstd data", detail, in.count() - compressed.remaining());
    }

    @Override
    public void close() throws IOException {
        context.close();
        in.close();
    }
}

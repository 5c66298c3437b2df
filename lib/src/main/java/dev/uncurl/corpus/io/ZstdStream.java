package dev.uncurl.corpus.io;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * The contents of a zstd file: all its frames, one after another; skippable frames are skipped. Unlike zstd-jni's own
 * stream, it does not take a frame that is cut off for the end of the file when another stands before it. Damage costs
 * what its block holds (up to 128 kB of text) and up to 4 kB of text before it. A frame whose window is larger than 128
 * MiB, as {@code zstd --long=28} and more make it, is damaged: it would need that much memory.
 *
 * <p>A checksum stands at the end of a frame. If it is wrong, most of the bytes before it have been given already.
 */
final class ZstdStream extends BlockStream {
    /** Small steps, so that a failing one takes little with it. */
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

    /** A step: some text, or none yet. */
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

    /** Reads on where everything before is used up, or nothing can be made of it without more. */
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

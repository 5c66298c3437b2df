package dev.uncurl.checkpoint;

import dev.uncurl.model.spec.DType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;

/** A buffer of little-endian values of one {@link DType}, with conversion from and to {@code float}. */
final class Chunk {
    private final DType dtype;
    private final byte[] bytes;
    private final FloatBuffer floats;
    private final ShortBuffer shorts;

    /** @param values capacity */
    Chunk(DType dtype, int values) {
        this.dtype = dtype;
        bytes = new byte[Math.multiplyExact(values, dtype.bytes())];
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        floats = buffer.asFloatBuffer();
        shorts = buffer.asShortBuffer();
    }

    /** The array of stored bytes, for reading into and writing from. */
    byte[] bytes() {
        return bytes;
    }

    /** Converts the first {@code count} stored values to floats in {@code into}. */
    void decode(float[] into, int count) {
        if (dtype == DType.F32) {
            floats.rewind().get(into, 0, count);
            return;
        }
        for (int i = 0; i < count; i++) {
            into[i] = dtype.decode(shorts.get(i) & 0xffff);
        }
    }

    /** Stores the first {@code count} values of {@code from}, rounded to the type of this chunk. */
    void encode(float[] from, int count) {
        if (dtype == DType.F32) {
            floats.rewind().put(from, 0, count);
            return;
        }
        for (int i = 0; i < count; i++) {
            shorts.put(i, (short) dtype.encode(from[i]));
        }
    }
}

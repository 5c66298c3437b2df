package dev.uncurl.checkpoint;

import dev.uncurl.error.UserError;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** Finds values that are NaN or infinite among the bytes of a tensor. */
final class Finite {
    private static final VarHandle INTS = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    /** A float is NaN or infinite when all bits of its exponent are set. */
    private static final int EXPONENT = 0x7f800000;

    private long at;
    private long found = -1;
    private float value;

    /**
     * Looks at the next bytes of the tensor.
     *
     * @param bytes little-endian floats, whole ones, in the first {@code length} bytes
     */
    void take(byte[] bytes, int length) {
        int mark = 0;
        for (int i = 0; i < length; i += Float.BYTES) {
            mark |= ((int) INTS.get(bytes, i) & ~0x80000000) + (0x80000000 - EXPONENT); // the sign bit tells
        }
        if (mark < 0 && found < 0) {
            find(bytes, length);
        }
        at += length / Float.BYTES;
    }

    private void find(byte[] bytes, int length) {
        var floats =
                ByteBuffer.wrap(bytes, 0, length).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
        int i = 0;
        while (Float.isFinite(floats.get(i))) {
            i++;
        }
        found = at + i;
        value = floats.get(i);
    }

    /**
     * @param file where the tensor is, for the message
     * @throws UserError (input) with tensor, index and value when one was not finite
     */
    void require(Object file, String tensor, List<Integer> shape) {
        if (found >= 0) {
            throw UserError.input(
                    file + ": tensor " + tensor + " of shape " + shape + " holds " + value + " at index " + found
                            + " (row-major)",
                    "Nothing computed with it would mean anything. Make the model again from inputs that are finite.");
        }
    }
}

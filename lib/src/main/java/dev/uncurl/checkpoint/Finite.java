package dev.uncurl.checkpoint;

import dev.uncurl.error.UserError;
import dev.uncurl.model.spec.DType;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.List;

/** Finds values that are NaN or infinite among the stored bytes of a tensor. */
final class Finite {
    private static final VarHandle INTS = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle SHORTS =
            MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    /** A value is NaN or infinite when all bits of its exponent are set; here those of an F32. */
    private static final int EXPONENT = 0x7f800000;

    private final DType dtype;
    private long at;
    private long found = -1;
    private float value;

    Finite(DType dtype) {
        this.dtype = dtype;
    }

    /**
     * Looks at the next bytes of the tensor.
     *
     * @param bytes little-endian values of the tensor's type, whole ones, in the first {@code length} bytes
     */
    void take(byte[] bytes, int length) {
        boolean all = dtype == DType.F32 ? allFinite(bytes, length) : allFinite(bytes, length, exponent());
        if (!all && found < 0) {
            find(bytes, length);
        }
        at += length / dtype.bytes();
    }

    /** Adds to each amount what carries into the sign bit just when all exponent bits are set. */
    private static boolean allFinite(byte[] bytes, int length) {
        int mark = 0;
        for (int i = 0; i < length; i += Float.BYTES) {
            mark |= ((int) INTS.get(bytes, i) & ~0x80000000) + (0x80000000 - EXPONENT);
        }
        return mark >= 0;
    }

    /** The same for 16 bits. */
    private static boolean allFinite(byte[] bytes, int length, int exponent) {
        int mark = 0;
        for (int i = 0; i < length; i += Short.BYTES) {
            mark |= ((short) SHORTS.get(bytes, i) & 0x7fff) + (0x8000 - exponent);
        }
        return (mark & 0x8000) == 0;
    }

    private int exponent() {
        return dtype.encode(Float.POSITIVE_INFINITY);
    }

    private void find(byte[] bytes, int length) {
        int i = 0;
        while (Float.isFinite(value(bytes, i))) {
            i += dtype.bytes();
        }
        found = at + i / dtype.bytes();
        value = value(bytes, i);
    }

    private float value(byte[] bytes, int at) {
        return dtype.decode(dtype == DType.F32 ? (int) INTS.get(bytes, at) : (short) SHORTS.get(bytes, at) & 0xffff);
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
                    "Nothing computed with it would mean anything. Make the model again from inputs that are finite"
                            + (dtype == DType.F32
                                    ? "."
                                    : ", or store it as F32, which holds larger values than " + dtype + "."));
        }
    }
}

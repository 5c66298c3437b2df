package dev.uncurl.checkpoint;

import dev.uncurl.error.UserError;
import dev.uncurl.model.spec.DType;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.List;

/** Finds the first NaN or infinite value in the stored bytes of a tensor. */
final class Finite {
    private static final VarHandle INTS = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle SHORTS =
            MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    /** Exponent bits of an F32. A value is NaN or infinite if all its exponent bits are set. */
    private static final int EXPONENT = 0x7f800000;

    private final DType dtype;
    private long at;
    private long found = -1;
    private float value;

    Finite(DType dtype) {
        this.dtype = dtype;
    }

    /**
     * Checks the next bytes of the tensor.
     *
     * @param bytes complete little-endian values of the tensor's type, in the first {@code length} bytes
     */
    void take(byte[] bytes, int length) {
        boolean all = dtype == DType.F32 ? allFinite(bytes, length) : allFinite(bytes, length, exponent());
        if (!all && found < 0) {
            find(bytes, length);
        }
        at += length / dtype.bytes();
    }

    /** Adds a constant to each absolute value that carries into the sign bit exactly if all exponent bits are set. */
    private static boolean allFinite(byte[] bytes, int length) {
        int mark = 0;
        for (int i = 0; i < length; i += Float.BYTES) {
            mark |= ((int) INTS.get(bytes, i) & ~0x80000000) + (0x80000000 - EXPONENT);
        }
        return mark >= 0;
    }

    /** The same for 16-bit types. */
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
     * Throws if a value of the tensor was not finite.
     *
     * @param file of the tensor, for the message
     * @throws UserError (input) that names tensor, index and value
     */
    void require(Object file, String tensor, List<Integer> shape) {
        if (found >= 0) {
            throw UserError.input(
                    file + ": tensor " + tensor + " of shape " + shape + " has the value " + value + " at index "
                            + found + " (row-major)",
                    "Results of this model would be meaningless. Make the model again from finite inputs"
                            + (dtype == DType.F32
                                    ? "."
                                    : ", or store it as F32, whose range is larger than that of " + dtype + "."));
        }
    }
}

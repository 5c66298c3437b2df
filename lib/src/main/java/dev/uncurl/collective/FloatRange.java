package dev.uncurl.collective;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Floats [from, from + length) of a contiguous FLOAT array in host memory, counted in its row-major order. It may be
 * longer than 2 GiB. It shares the array's memory, and keeps the array alive; a buffer of {@link #window} does not.
 *
 * @param from the first element, in elements
 * @param length number of elements, 0 or more
 */
public record FloatRange(INDArray array, long from, long length) {
    /** The most elements of one {@link #window}: 4 MiB. */
    public static final int WINDOW = 1 << 20;

    /** Elements that are added at a time, on the Java heap: two blocks fit the first level of a processor's cache. */
    private static final int BLOCK = 2048;

    public FloatRange {
        if (array.dataType() != DataType.FLOAT) {
            throw new IllegalArgumentException(
                    "An array of " + array.dataType() + " cannot be exchanged; it must be FLOAT");
        }
        if (from < 0 || length < 0 || length > array.length() - from) {
            throw new IllegalArgumentException(
                    length + " floats from " + from + " are not within an array of " + array.length());
        }
        if (!contiguous(array)) {
            throw new IllegalArgumentException(
                    "An array with strides is not a range of memory; copy it by dup('c') first: "
                            + array.shapeInfoToString());
        }
        if (!Nd4j.getBackend().getClass().getSimpleName().equals("CpuBackend")) {
            throw new IllegalArgumentException("Arrays of "
                    + Nd4j.getBackend().getClass().getSimpleName() + " are not in host memory; use nd4j-native");
        }
    }

    /** All elements of an array. */
    public static FloatRange of(INDArray array) {
        return new FloatRange(array, 0, array.length());
    }

    /** Zeros in memory of their own. */
    public static FloatRange allocate(long length) {
        try (var outside = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
            return new FloatRange(Nd4j.create(DataType.FLOAT, Math.max(1, length)), 0, length);
        }
    }

    /** Elements {@code start} to {@code start + count} of this range, on the same memory. */
    public FloatRange slice(long start, long count) {
        if (start < 0 || count < 0 || count > length - start) {
            throw new IllegalArgumentException(count + " floats from " + start + " are not within " + length);
        }
        return new FloatRange(array, from + start, count);
    }

    /**
     * Elements {@code start} to {@code start + count} as bytes in native order, on the same memory. The buffer does not
     * keep the memory alive: hold this range for as long as the buffer is used.
     */
    public ByteBuffer window(long start, int count) {
        if (start < 0 || count < 0 || count > WINDOW || count > length - start) {
            throw new IllegalArgumentException(
                    "A window of " + count + " floats from " + start + " of " + length + "; at most " + WINDOW);
        }
        if (count == 0) {
            return ByteBuffer.allocateDirect(0).order(ByteOrder.nativeOrder());
        }
        FloatPointer first = new FloatPointer(array.data().pointer()).getPointer(array.offset() + from + start);
        first.capacity(count);
        return first.asByteBuffer().order(ByteOrder.nativeOrder());
    }

    /** The number of elements of the window that begins at {@code start}. */
    public int windowAt(long start) {
        return (int) Math.min(WINDOW, length - start);
    }

    /** Sets all elements from a range of the same length that does not overlap this one. */
    public void copyFrom(FloatRange source) {
        sameLength(source);
        for (long start = 0; start < length; start += WINDOW) {
            window(start, windowAt(start)).put(source.window(start, windowAt(start)));
        }
        Reference.reachabilityFence(array);
        Reference.reachabilityFence(source);
    }

    /**
     * Sets each element to the sum of the terms' elements, added in single precision in the order of the list:
     * ((t0 + t1) + t2) + ... This range may be one of the terms; else it does not overlap them.
     */
    public void sum(List<FloatRange> terms) {
        terms.forEach(this::sameLength);
        float[] sum = new float[BLOCK];
        float[] term = new float[BLOCK];
        FloatBuffer[] windows = new FloatBuffer[terms.size()];
        for (long start = 0; start < length; start += WINDOW) {
            int count = windowAt(start);
            for (int i = 0; i < windows.length; i++) {
                windows[i] = terms.get(i).window(start, count).asFloatBuffer();
            }
            FloatBuffer target = window(start, count).asFloatBuffer();
            for (int block = 0; block < count; block += BLOCK) {
                int floats = Math.min(BLOCK, count - block);
                windows[0].get(sum, 0, floats);
                for (int i = 1; i < windows.length; i++) {
                    windows[i].get(term, 0, floats);
                    add(sum, term, floats);
                }
                target.put(sum, 0, floats);
            }
        }
        Reference.reachabilityFence(array);
        Reference.reachabilityFence(terms);
    }

    private static void add(float[] sum, float[] term, int count) {
        for (int i = 0; i < count; i++) {
            sum[i] += term[i];
        }
    }

    /** Whether an element belongs to both ranges. */
    public boolean overlaps(FloatRange other) {
        return length > 0
                && other.length > 0
                && address() < other.address() + other.length * Float.BYTES
                && other.address() < address() + length * Float.BYTES;
    }

    private long address() {
        return array.data().pointer().address() + (array.offset() + from) * Float.BYTES;
    }

    private void sameLength(FloatRange other) {
        if (other.length != length) {
            throw new IllegalArgumentException(other.length + " floats for " + length);
        }
    }

    private static boolean contiguous(INDArray array) {
        long expected = 1;
        for (int axis = array.rank() - 1; axis >= 0; axis--) {
            if (array.size(axis) != 1 && array.stride(axis) != expected) {
                return false;
            }
            expected *= array.size(axis);
        }
        return true;
    }

    /** The number of elements and where they begin, without the elements. */
    @Override
    public String toString() {
        return length + " floats from " + from;
    }
}

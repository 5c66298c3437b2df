package dev.uncurl.kernel;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * One flat array, in the host's memory or a device's, from which matrices are cut. Values move between it and the Java heap
 * through {@link Matrix}; code above the kernels does not know where it is.
 */
public interface FlatMemory extends AutoCloseable {
    /** Elements that {@link #copyTo} moves at a time: 4 MiB. */
    int COPIED = 1 << 20;

    /** Number of elements. */
    long length();

    DataType type();

    /** Whether the elements are in an ND4J array, so that {@link Matrix#array()} works. */
    boolean onHost();

    /** Sets {@code count} elements from element {@code from} on to 0. */
    void zero(long from, long count);

    /** Copies elements from element {@code from} on into {@code target[0 .. count - 1]}. */
    void read(long from, float[] target, int count);

    /** Overwrites elements from element {@code from} on with {@code source[0 .. count - 1]}. */
    void write(long from, float[] source, int count);

    /** Releases the memory; matrices of it must not be used any more. */
    @Override
    void close();

    /** A row-major matrix whose first element is element {@code offset}. */
    default Matrix matrix(long offset, int rows, int columns) {
        return Matrix.of(this, offset, rows, columns);
    }

    /** Copies elements to the same places of another memory, through the Java heap. */
    default void copyTo(FlatMemory target, long from, long count) {
        var part = new float[(int) Math.min(count, COPIED)];
        for (long at = from; at < from + count; at += part.length) {
            int length = (int) Math.min(part.length, from + count - at);
            read(at, part, length);
            target.write(at, part, length);
        }
    }

    /** The memory of an ND4J array, which must be contiguous. */
    static FlatMemory of(INDArray array) {
        return new HostMemory(array);
    }

    /** A new array of zeros on the host. */
    static FlatMemory allocate(DataType type, long elements) {
        try (var outside = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
            return of(Nd4j.create(type, Math.max(elements, 1)));
        }
    }

    /** A new array on the host, whose values are undefined. */
    static FlatMemory scratch(DataType type, long elements) {
        try (var outside = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
            return of(Nd4j.createUninitialized(type, Math.max(elements, 1)));
        }
    }
}

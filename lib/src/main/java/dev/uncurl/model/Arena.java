package dev.uncurl.model;

import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * A flat array of the kernels' memory from which matrices are allocated, each aligned to a cache line. Their values are undefined until
 * they are written. A measuring arena only adds up sizes.
 */
final class Arena implements AutoCloseable {
    private static final int LINE = 16;

    private final FlatMemory memory;
    private long used;

    private Arena(FlatMemory memory) {
        this.memory = memory;
    }

    /** An arena that returns null for every matrix and measures the memory that they need. */
    static Arena measuring() {
        return new Arena(null);
    }

    static Arena of(Kernels kernels, DataType type, long elements) {
        return new Arena(kernels.scratch(type, elements));
    }

    Matrix matrix(long rows, long columns) {
        return matrix(rows, columns, columns);
    }

    /** @param leading elements from one row to the next */
    Matrix matrix(long rows, long columns, long leading) {
        long offset = used;
        used += (rows * leading + LINE - 1) / LINE * LINE;
        return memory == null
                ? null
                : Matrix.padded(
                        memory, offset, Math.toIntExact(rows), Math.toIntExact(columns), Math.toIntExact(leading));
    }

    long elements() {
        return used;
    }

    @Override
    public void close() {
        if (memory != null) {
            memory.close();
        }
    }
}

package dev.uncurl.model;

import dev.uncurl.kernel.Matrix;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * An off-heap array from which matrices are allocated, each aligned to a cache line. A measuring arena only adds up
 * sizes.
 */
final class Arena implements AutoCloseable {
    private static final int LINE = 16;

    private final INDArray memory;
    private long used;

    private Arena(INDArray memory) {
        this.memory = memory;
    }

    /** An arena that returns null for every matrix and measures the memory that they need. */
    static Arena measuring() {
        return new Arena(null);
    }

    static Arena of(DataType type, long elements) {
        try (var outside = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
            return new Arena(Nd4j.create(type, Math.max(elements, 1)));
        }
    }

    Matrix matrix(long rows, long columns) {
        long offset = used;
        used += (rows * columns + LINE - 1) / LINE * LINE;
        return memory == null ? null : Matrix.of(memory, offset, Math.toIntExact(rows), Math.toIntExact(columns));
    }

    long elements() {
        return used;
    }

    @Override
    public void close() {
        if (memory != null && memory.closeable()) {
            memory.close();
        }
    }
}

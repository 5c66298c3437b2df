package dev.uncurl.kernel.vector;

import static dev.uncurl.kernel.vector.VectorOps.WIDTH;
import static dev.uncurl.kernel.vector.VectorOps.get;
import static dev.uncurl.kernel.vector.VectorOps.load;
import static dev.uncurl.kernel.vector.VectorOps.put;
import static dev.uncurl.kernel.vector.VectorOps.store;

import dev.uncurl.kernel.Matrix;
import java.nio.ByteBuffer;

/**
 * Computes column sums while rows are processed in parallel. Rows are divided into blocks, each with its own partial
 * sums, which are added in order at the end. The number of blocks depends only on the number of rows, so the result
 * does not depend on the number of threads. Scratch memory is per calling worker.
 */
final class ColumnSums {
    private static final int LEAST_ROWS = 32;
    private static final int MOST_BLOCKS = 16;

    /** Processes one row and adds its terms to {@code sums}, starting at index {@code at}. */
    interface Row {
        void run(int row, ByteBuffer sums, int at, int worker);
    }

    private final WorkerPool pool;
    private final Matrix[] partial;

    ColumnSums(WorkerPool pool) {
        this.pool = pool;
        partial = new Matrix[pool.threads()];
    }

    /**
     * Calls {@code job} for every row, then writes the {@code columns} sums to the matrices {@code sums}, one after
     * another.
     */
    void over(int rows, int columns, Row job, Matrix... sums) {
        int blocks = Math.max(1, Math.min(MOST_BLOCKS, rows / LEAST_ROWS));
        int caller = pool.worker();
        if (partial[caller] == null || partial[caller].columns() != columns) {
            partial[caller] = Matrix.allocate(MOST_BLOCKS, columns);
        }
        ByteBuffer bytes = partial[caller].bytes();
        pool.run(blocks, (block, worker) -> {
            int at = block * columns;
            clear(bytes, at, columns);
            int to = (int) ((block + 1L) * rows / blocks);
            for (int row = (int) ((long) block * rows / blocks); row < to; row++) {
                job.run(row, bytes, at, worker);
            }
        });
        for (int block = 1; block < blocks; block++) {
            add(bytes, 0, bytes, block * columns, columns);
        }
        int at = 0;
        for (Matrix part : sums) {
            clear(part.bytes(), 0, part.columns());
            add(part.bytes(), 0, bytes, at, part.columns());
            at += part.columns();
        }
    }

    private static void clear(ByteBuffer values, int at, int length) {
        for (int i = at; i < at + length; i++) {
            put(values, i, 0f);
        }
    }

    /** sums[to ..] += values[at ..] */
    static void add(ByteBuffer sums, int to, ByteBuffer values, int at, int length) {
        int whole = VectorOps.whole(length);
        for (int i = 0; i < whole; i += WIDTH) {
            store(load(sums, to + i).add(load(values, at + i)), sums, to + i);
        }
        for (int i = whole; i < length; i++) {
            put(sums, to + i, get(sums, to + i) + get(values, at + i));
        }
    }
}

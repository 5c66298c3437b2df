package dev.uncurl.kernel.vector;

import static dev.uncurl.kernel.vector.VectorOps.WIDTH;
import static dev.uncurl.kernel.vector.VectorOps.get;
import static dev.uncurl.kernel.vector.VectorOps.load;
import static dev.uncurl.kernel.vector.VectorOps.put;
import static dev.uncurl.kernel.vector.VectorOps.store;

import dev.uncurl.kernel.Matrix;
import java.nio.ByteBuffer;

/**
 * Sums over rows while they are worked on: each of a number of blocks of rows has sums of its own, which are added in
 * order at the end. The number depends on the rows alone. The memory belongs to the worker that asks.
 */
final class ColumnSums {
    private static final int LEAST_ROWS = 32;
    private static final int MOST_BLOCKS = 16;

    /** Works on one row and adds to {@code sums} from {@code at} on. */
    interface Row {
        void run(int row, ByteBuffer sums, int at, int worker);
    }

    private final WorkerPool team;
    private final Matrix[] partial;

    ColumnSums(WorkerPool team) {
        this.team = team;
        partial = new Matrix[team.threads()];
    }

    /** Calls {@code job} for every row; afterwards {@code sums} holds, in order, the {@code columns} sums. */
    void over(int rows, int columns, Row job, Matrix... sums) {
        int blocks = Math.max(1, Math.min(MOST_BLOCKS, rows / LEAST_ROWS));
        int caller = team.worker();
        if (partial[caller] == null || partial[caller].columns() != columns) {
            partial[caller] = Matrix.allocate(MOST_BLOCKS, columns);
        }
        ByteBuffer bytes = partial[caller].bytes();
        team.run(blocks, (block, worker) -> {
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

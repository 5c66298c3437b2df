package dev.uncurl.kernel.vector;

import static dev.uncurl.kernel.vector.VectorOps.WIDTH;
import static dev.uncurl.kernel.vector.VectorOps.get;
import static dev.uncurl.kernel.vector.VectorOps.load;
import static dev.uncurl.kernel.vector.VectorOps.put;
import static dev.uncurl.kernel.vector.VectorOps.store;

import dev.uncurl.kernel.Matrix;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Products of small results with long sums, as the gradient of a head's input has them: the terms are divided, not the result, so
 * that OpenBLAS copies each element of the operands once. The sums of the parts are added in order. Parts depend on the shapes
 * alone.
 *
 * <p>Checked by TermPanelsTest; timed by EngineBench (part vocabulary).
 */
final class TermPanels {
    private static final int MOST_PARTS = 16;

    /** Terms of a part at least. */
    private static final int FEWEST_TERMS = 512;

    /** Terms for each row, and for each column, of a result that are many. */
    private static final int MANY = 4;

    /** Elements of the largest result, half a megabyte. */
    private static final int LARGEST = 1 << 17;

    /** Elements that one job adds up. */
    private static final int PIECE = 1 << 13;

    private final WorkerPool pool;
    private final Operands.Windows[] windows;
    /** Of each thread, for the products that it computes: the sums of all parts but the first, below each other. */
    private final RowPanels.ShapedMemory[] memory;

    TermPanels(WorkerPool pool, Operands.Windows[] windows) {
        this.pool = pool;
        this.windows = windows;
        memory = new RowPanels.ShapedMemory[pool.threads()];
        Arrays.setAll(memory, worker -> new RowPanels.ShapedMemory());
    }

    /** How many parts the terms are divided into; 1: they are not. */
    static int parts(int rows, int inner, int columns) {
        if ((long) rows * columns > LARGEST || inner < (long) MANY * Math.max(rows, columns)) {
            return 1;
        }
        int parts = 1;
        while (2 * parts <= MOST_PARTS && inner / (2 * parts) >= FEWEST_TERMS) {
            parts *= 2;
        }
        return parts;
    }

    /** c = a b + beta c */
    void multiply(Operands operands, int parts, float beta) {
        Matrix c = operands.c();
        Matrix below = memory[pool.worker()].shaped((parts - 1) * c.rows(), c.columns());
        Matrix[] rest = new Matrix[parts - 1];
        Arrays.setAll(rest, part -> below.rows(part * c.rows(), c.rows()));
        int inner = operands.inner();
        pool.run(parts, (part, worker) -> {
            Operands one = part == 0 ? operands : operands.into(rest[part - 1]);
            int from = (int) ((long) inner * part / parts);
            int to = (int) ((long) inner * (part + 1) / parts);
            one.multiply(0, c.rows(), 0, c.columns(), from, to, part == 0 ? beta : 0f, windows[worker]);
        });
        ByteBuffer sums = c.bytes();
        pool.split(c.rows() * c.columns(), PIECE, (from, to, worker) -> {
            for (Matrix part : rest) {
                add(part.bytes(), sums, from, to);
            }
        });
    }

    private static void add(ByteBuffer from, ByteBuffer to, int first, int last) {
        int whole = first + VectorOps.whole(last - first);
        for (int i = first; i < whole; i += WIDTH) {
            store(load(to, i).add(load(from, i)), to, i);
        }
        for (int i = whole; i < last; i++) {
            put(to, i, get(to, i) + get(from, i));
        }
    }
}

package dev.uncurl.kernel.vector;

import dev.uncurl.kernel.Matrix;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Products whose rows have the same bits whatever stands around them, where OpenBLAS allows it. Its result for a row depends
 * on which of its kernels computes it. Those for AVX-512 sum every row in the same order, except in products of up to a
 * million multiplications and in the rows after the last whole dozen. Therefore each call has a multiple of {@value #UNIT}
 * rows and more multiplications than that: rows that are left over are computed together with some before them once more, and
 * a product of too few rows is computed in scratch memory of as many as it takes.
 *
 * <p>The kernels for AVX2 sum the first and the second half of a dozen rows in different orders, so that no choice of calls
 * makes rows independent; {@link Probe} finds that out.
 *
 * <p>Checked by RowProductTest. For one thread.
 */
final class RowPanels {
    private static final int UNIT = 12;

    /** The largest product that OpenBLAS's AVX-512 targets hand to their kernels for small ones. */
    private static final long SMALL = 1_000_000;

    /** Rows of a panel, unless {@link #least} are more; in shorter ones, packing b takes a larger part of the time. */
    private static final int LENGTH = 40 * UNIT;

    /** Rows of the panels of a product that has too few for one of {@link #LENGTH} on each thread. */
    private static final int SHORTEST = 10 * UNIT;

    private final Operands.Windows windows;
    private final Window from = new Window();
    private final Window to = new Window();
    private final ShapedMemory a = new ShapedMemory();
    private final ShapedMemory c = new ShapedMemory();

    RowPanels(Operands.Windows windows) {
        this.windows = windows;
    }

    /** The least number of rows of a call, which depends on b alone. */
    private static int least(Operands operands) {
        long row = (long) operands.inner() * operands.c().columns();
        return Math.toIntExact(SMALL / row / UNIT + 1) * UNIT;
    }

    /**
     * The rows of a panel. The last panel has the rest in addition. Threads that would have no panel get one, if that leaves
     * panels of {@value #SHORTEST} rows.
     *
     * @param operands with a inner dimension and columns of at least 1, a not transposed
     */
    static int length(Operands operands, int threads) {
        int rows = operands.c().rows();
        int least = least(operands);
        int panelsOfLength = Math.max(1, rows / Math.max(least, LENGTH));
        int even = (panelsOfLength + threads - 1) / threads * threads;
        int panels = Math.max(panelsOfLength, Math.min(even, rows / Math.max(least, SHORTEST)));
        return Math.max(least, rows / panels / UNIT * UNIT);
    }

    /** Overwrites rows {@code first} to {@code last} (exclusive) of c. */
    void multiply(Operands operands, int first, int last) {
        int least = least(operands);
        if (last - first < least) {
            padded(operands, first, last, least);
            return;
        }
        int whole = first + (last - first) / UNIT * UNIT;
        rows(operands, first, whole);
        if (whole < last) {
            rows(operands, last - least, last);
        }
    }

    private void rows(Operands operands, int first, int last) {
        operands.multiply(first, last, 0, operands.c().columns(), 0, operands.inner(), 0f, windows);
    }

    private void padded(Operands operands, int first, int last, int rows) {
        int inner = operands.inner();
        int columns = operands.c().columns();
        Matrix enough = a.shaped(rows, inner);
        Matrix product = c.shaped(rows, columns);
        copy(operands.a().pointer(), (long) first * inner, enough.pointer(), 0, (long) (last - first) * inner);
        rows(new Operands(enough, false, operands.b(), operands.transposeB(), product), 0, rows);
        copy(product.pointer(), 0, operands.c().pointer(), (long) first * columns, (long) (last - first) * columns);
    }

    /**
     * Memory for matrices of any shape, as large as the largest. Products of a model alternate between shapes; memory of each
     * would be native memory that is freed when the garbage collector runs, which small objects do not make it do.
     */
    static final class ShapedMemory {
        private Matrix whole = Matrix.allocate(0, 0);
        private Matrix shaped = whole;

        /** A matrix with any elements, valid until the next call. */
        Matrix shaped(int rows, int columns) {
            if (shaped.rows() == rows && shaped.columns() == columns) {
                return shaped;
            }
            int length = Math.multiplyExact(rows, columns);
            if (length > whole.columns()) {
                whole = Matrix.allocate(1, length);
            }
            shaped = Matrix.of(whole.array(), 0, rows, columns);
            return shaped;
        }
    }

    /** Whether rows are independent with the kernels that OpenBLAS chose in this JVM. */
    static final class Probe {
        static final boolean INDEPENDENT = equalRows(false) && equalRows(true);

        private Probe() {}

        /** Multiplies equal rows, in calls of different lengths. */
        private static boolean equalRows(boolean transposeB) {
            int inner = 50;
            int columns = 75;
            int rows = 480 + UNIT - 1;
            Matrix a = Matrix.allocate(rows, inner);
            Matrix b = transposeB ? Matrix.allocate(columns, inner) : Matrix.allocate(inner, columns);
            Matrix c = Matrix.allocate(rows, columns);
            a.write(numbers(rows * inner, inner));
            b.write(numbers(inner * columns, inner * columns));
            var operands = new Operands(a, false, b, transposeB, c);
            var panels = new RowPanels(new Operands.Windows());
            panels.multiply(operands, 0, rows - 5);
            panels.multiply(operands, rows - 5, rows);
            float[] products = new float[rows * columns];
            c.read(products);
            for (int i = columns; i < products.length; i++) {
                if (products[i] != products[i - columns]) {
                    return false;
                }
            }
            return true;
        }

        /** Numbers between 0 and 1 whose products do not add up exactly, the first {@code period} again and again. */
        private static float[] numbers(int count, int period) {
            float[] numbers = new float[count];
            for (int i = 0; i < count; i++) {
                numbers[i] = 1f / (3 + (i % period) * 37 % 101);
            }
            return numbers;
        }
    }

    private void copy(FloatPointer source, long at, FloatPointer target, long targetAt, long count) {
        Pointer.memcpy(to.to(target, targetAt), from.to(source, at), count * Float.BYTES);
    }
}

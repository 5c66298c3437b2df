package dev.uncurl.kernel.vector;

import dev.uncurl.kernel.BlasCore;

/**
 * Block sizes for which OpenBLAS's AVX-512 targets have kernels that do not copy the operands: up to 10^6
 * multiplications and, with a transposed second operand, up to 1,200 results. Chosen by measured time among sizes
 * within these limits.
 */
enum Tiles {
    PLAIN(112, 64, 128),
    TRANSPOSED(32, 32, 512);

    /** Multiplications up to which OpenBLAS itself processes a product as one tile. */
    private static final long LARGEST = 1_000_000;

    /** Rows up to which tiles are faster with AVX-512; the gain is largest at 8 to 32 rows. */
    private static final int MOST_ROWS = 64;

    /** The same if the second operand has at most {@link #CACHED} elements. */
    private static final int MOST_ROWS_IF_CACHED = 192;

    /** Elements of 1 MB, which stay in the second-level cache of a core from one tile to the next. */
    private static final long CACHED = 1 << 18;

    /** Rows up to which tiles cost nothing on machines without these kernels. */
    private static final int MOST_ROWS_ANYWHERE = 48;

    private static final boolean AVX512 = BlasCore.hasAvx512();

    private final int rows;
    private final int columns;
    private final int terms;

    Tiles(int rows, int columns, int terms) {
        this.rows = rows;
        this.columns = columns;
        this.terms = terms;
    }

    int rows() {
        return rows;
    }

    int columns() {
        return columns;
    }

    int terms() {
        return terms;
    }

    /** The tile size for a product, or null if it should not be divided. */
    static Tiles of(Operands operands, long work) {
        if (operands.transposeA() || work <= LARGEST || operands.c().rows() > mostRows(operands)) {
            return null;
        }
        return operands.transposeB() ? TRANSPOSED : PLAIN;
    }

    private static int mostRows(Operands operands) {
        if (!AVX512) {
            return MOST_ROWS_ANYWHERE;
        }
        long second = (long) operands.inner() * operands.c().columns();
        return second <= CACHED ? MOST_ROWS_IF_CACHED : MOST_ROWS;
    }

    /** c = a b + beta c for a panel of c, adding the terms of each sum in order. */
    void multiply(
            Operands operands, int row, int toRow, int column, int toColumn, float beta, Operands.Windows windows) {
        int inner = operands.inner();
        for (int left = column; left < toColumn; left += columns) {
            int right = Math.min(toColumn, left + columns);
            for (int top = row; top < toRow; top += rows) {
                int bottom = Math.min(toRow, top + rows);
                for (int term = 0; term < inner; term += terms) {
                    int end = Math.min(inner, term + terms);
                    operands.multiply(top, bottom, left, right, term, end, term == 0 ? beta : 1f, windows);
                }
            }
        }
    }
}

package dev.uncurl.kernel.vector;

import static dev.uncurl.kernel.vector.VectorOps.SPECIES;
import static dev.uncurl.kernel.vector.VectorOps.WIDTH;

import jdk.incubator.vector.FloatVector;

/**
 * c = a b for a block of {@value #ROWS} rows and two vectors of columns of c, which stay in registers. Each element adds its
 * terms in order with one rounding a term, so its bits depend on its row of a and its column of b alone, not on the machine
 * or the place of the block.
 *
 * <p>The arrays are on the heap: over buffers the same loop is less than half as fast. Checked by BlockProductTest.
 */
final class BlockProduct {
    static final int ROWS = 6;
    static final int COLUMNS = 2 * WIDTH;

    private BlockProduct() {}

    /**
     * @param terms of each sum
     * @param a whose element for row i and term t is at {@code at + i * aStride + t}
     * @param b whose element for term t and column j is at {@code bAt + t * bStride + j}
     * @param c whose element for row i and column j is at {@code cAt + i * cStride + j}
     */
    static void multiply(
            int terms,
            float[] a,
            int at,
            int aStride,
            float[] b,
            int bAt,
            int bStride,
            float[] c,
            int cAt,
            int cStride) {
        FloatVector c00 = FloatVector.zero(SPECIES);
        FloatVector c01 = c00;
        FloatVector c10 = c00;
        FloatVector c11 = c00;
        FloatVector c20 = c00;
        FloatVector c21 = c00;
        FloatVector c30 = c00;
        FloatVector c31 = c00;
        FloatVector c40 = c00;
        FloatVector c41 = c00;
        FloatVector c50 = c00;
        FloatVector c51 = c00;
        for (int t = 0, j = bAt; t < terms; t++, j += bStride) {
            FloatVector b0 = FloatVector.fromArray(SPECIES, b, j);
            FloatVector b1 = FloatVector.fromArray(SPECIES, b, j + WIDTH);
            FloatVector row = FloatVector.broadcast(SPECIES, a[at + t]);
            c00 = row.fma(b0, c00);
            c01 = row.fma(b1, c01);
            row = FloatVector.broadcast(SPECIES, a[at + t + aStride]);
            c10 = row.fma(b0, c10);
            c11 = row.fma(b1, c11);
            row = FloatVector.broadcast(SPECIES, a[at + t + 2 * aStride]);
            c20 = row.fma(b0, c20);
            c21 = row.fma(b1, c21);
            row = FloatVector.broadcast(SPECIES, a[at + t + 3 * aStride]);
            c30 = row.fma(b0, c30);
            c31 = row.fma(b1, c31);
            row = FloatVector.broadcast(SPECIES, a[at + t + 4 * aStride]);
            c40 = row.fma(b0, c40);
            c41 = row.fma(b1, c41);
            row = FloatVector.broadcast(SPECIES, a[at + t + 5 * aStride]);
            c50 = row.fma(b0, c50);
            c51 = row.fma(b1, c51);
        }
        c00.intoArray(c, cAt);
        c01.intoArray(c, cAt + WIDTH);
        c10.intoArray(c, cAt + cStride);
        c11.intoArray(c, cAt + cStride + WIDTH);
        c20.intoArray(c, cAt + 2 * cStride);
        c21.intoArray(c, cAt + 2 * cStride + WIDTH);
        c30.intoArray(c, cAt + 3 * cStride);
        c31.intoArray(c, cAt + 3 * cStride + WIDTH);
        c40.intoArray(c, cAt + 4 * cStride);
        c41.intoArray(c, cAt + 4 * cStride + WIDTH);
        c50.intoArray(c, cAt + 5 * cStride);
        c51.intoArray(c, cAt + 5 * cStride + WIDTH);
    }
}

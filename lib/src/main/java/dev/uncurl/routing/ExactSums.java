package dev.uncurl.routing;

import java.io.IOException;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.util.Arrays;

/**
 * Sums that have the same bits for any order and grouping of their terms. Each term is rounded once to a multiple of
 * 2^-56; all further arithmetic is on integers. The error is at most 2^-57 per term, far below that of a sum in double.
 * Not thread-safe.
 */
final class ExactSums implements Serializable {
    private static final long serialVersionUID = 1L;

    /** Upper bound of the terms: 2^34, the square of the largest router logit. */
    static final double TERM_LIMIT = 0x1p34;

    private static final double COARSE_UNIT = 0x1p-12;
    private static final double FINE_UNIT = 0x1p-56;
    private static final int FINE_BITS = 44; // 2^44 fine units are one coarse unit

    /** Adding and subtracting 1.5 * 2^52 units rounds a double to a multiple of the unit. */
    private static final double TO_COARSE = 0x1.8p52 * COARSE_UNIT;

    private static final double TO_FINE = 0x1.8p52 * FINE_UNIT;

    /** Rows buffered in doubles: the sum of this many coarse parts below 2^34 is exact in the 53 bits of a double. */
    private static final int MOST_ROWS = 128;

    /**
     * Value i is coarse[i] * 2^-12 + fine[i] * 2^-56 with 0 <= fine[i] < 2^44, so that equal values are equal numbers.
     */
    private final long[] coarse;

    private final long[] fine;

    /** Buffered sums of the parts of rows of terms, in the units of the values. */
    private transient double[] coarseRows;

    private transient double[] fineRows;
    private transient int rows;

    /** @param size number of sums, initially 0 */
    ExactSums(int size) {
        coarse = new long[size];
        fine = new long[size];
    }

    /** Adds one term, smaller than {@link #TERM_LIMIT}. */
    void add(int index, double term) {
        double whole = (term + TO_COARSE) - TO_COARSE;
        double rest = ((term - whole) + TO_FINE) - TO_FINE;
        put(index, (long) (whole / COARSE_UNIT), (long) (rest / FINE_UNIT));
    }

    /**
     * Adds the terms to the first sums, one each, as {@link #add} does; the loop runs in vector registers, for which
     * all arrays must have one index.
     */
    void addRow(double[] terms) {
        if (coarseRows == null) {
            coarseRows = new double[coarse.length];
            fineRows = new double[coarse.length];
        }
        for (int i = 0; i < terms.length; i++) {
            double whole = (terms[i] + TO_COARSE) - TO_COARSE;
            coarseRows[i] += whole;
            fineRows[i] += ((terms[i] - whole) + TO_FINE) - TO_FINE;
        }
        if (++rows == MOST_ROWS) {
            putRows();
        }
    }

    private void putRows() {
        if (rows == 0) {
            return;
        }
        for (int i = 0; i < coarse.length; i++) {
            put(i, (long) (coarseRows[i] / COARSE_UNIT), (long) (fineRows[i] / FINE_UNIT));
        }
        Arrays.fill(coarseRows, 0);
        Arrays.fill(fineRows, 0);
        rows = 0;
    }

    /** Adds the sums of {@code other}, which is unchanged. */
    void merge(ExactSums other) {
        putRows();
        other.putRows();
        for (int i = 0; i < coarse.length; i++) {
            put(i, other.coarse[i], other.fine[i]);
        }
    }

    private void put(int index, long moreCoarse, long moreFine) {
        long rests = fine[index] + moreFine;
        coarse[index] = Math.addExact(coarse[index], moreCoarse + (rests >> FINE_BITS));
        fine[index] = rests & ((1L << FINE_BITS) - 1);
    }

    /** The sum as a double. */
    double value(int index) {
        putRows();
        return coarse[index] * COARSE_UNIT + fine[index] * FINE_UNIT;
    }

    private void writeObject(ObjectOutputStream out) throws IOException {
        putRows();
        out.defaultWriteObject();
    }
}

package dev.uncurl.routing;

import java.io.Serializable;
import java.util.Arrays;

/**
 * Computes G = H^T H from rows of H [N, E], with the same bits for any order and grouping of the rows. Each product is
 * rounded once to a multiple of 2^-36; a block of rows is then added in doubles without further rounding. The error is
 * at most 2^-37 per product. Not thread-safe.
 */
final class GramSums implements Serializable {
    private static final long serialVersionUID = 1L;

    /** Rows per block; a multiple of the rows that one step of the inner loop processes. */
    private static final int BLOCK = 128;

    private static final double UNIT = 0x1p-36;

    /** Adding and subtracting 1.5 * 2^52 units rounds a product below 2^15 to a multiple of the unit. */
    private static final double TO_UNIT = 0x1.8p52 * UNIT;

    /**
     * The products of a block of logits below this bound have sums of at most 2^53 units, which are exact in a double.
     */
    private static final double SMALL = 32;

    private final int experts;

    /** The lower triangle, row by row. */
    private final ExactSums sums;

    private transient double[] block;
    private transient int waiting;
    private transient double largest;

    GramSums(int experts) {
        this.experts = experts;
        sums = new ExactSums(experts * (experts + 1) / 2);
    }

    /** Adds a row of finite logits. */
    void add(float[] logits) {
        if (block == null) {
            block = new double[BLOCK * experts];
        }
        int row = waiting * experts;
        for (int e = 0; e < experts; e++) {
            block[row + e] = logits[e];
            largest = Math.max(largest, Math.abs(logits[e]));
        }
        if (++waiting == BLOCK) {
            flush();
        }
    }

    /** Adds the rows of {@code other}. */
    void merge(GramSums other) {
        flush();
        other.flush();
        sums.merge(other.sums);
    }

    private void flush() {
        if (waiting == 0) {
            return;
        }
        if (largest < SMALL) {
            addBlock();
        } else {
            addOneByOne();
        }
        waiting = 0;
        largest = 0;
    }

    private void addBlock() {
        // zeros fill up the last step; they add nothing
        Arrays.fill(block, waiting * experts, (waiting + 3) / 4 * 4 * experts, 0);
        double[] products = new double[experts];
        int index = 0;
        for (int i = 0; i < experts; i++) {
            Arrays.fill(products, 0, i + 1, 0);
            for (int row = 0; row < waiting * experts; row += 4 * experts) {
                addProducts(block, row, experts, i, products);
            }
            for (int j = 0; j <= i; j++) {
                sums.add(index++, products[j]);
            }
        }
    }

    /** The inner loop: logit {@code i} of four rows times the logits up to it; it is vectorized. */
    private static void addProducts(double[] block, int first, int experts, int i, double[] products) {
        int second = first + experts;
        int third = second + experts;
        int fourth = third + experts;
        double a = block[first + i];
        double b = block[second + i];
        double c = block[third + i];
        double d = block[fourth + i];
        for (int j = 0; j <= i; j++) {
            products[j] += ((a * block[first + j] + TO_UNIT) - TO_UNIT)
                    + ((b * block[second + j] + TO_UNIT) - TO_UNIT)
                    + (((c * block[third + j] + TO_UNIT) - TO_UNIT) + ((d * block[fourth + j] + TO_UNIT) - TO_UNIT));
        }
    }

    /** As {@link #addBlock} for logits of any size, with the same rounding of each product. */
    private void addOneByOne() {
        for (int row = 0; row < waiting * experts; row += experts) {
            int index = 0;
            for (int i = 0; i < experts; i++) {
                for (int j = 0; j <= i; j++) {
                    sums.add(index++, Math.rint(block[row + i] * block[row + j] / UNIT) * UNIT);
                }
            }
        }
    }

    /** G [E, E], row by row. */
    double[] gram() {
        flush();
        double[] gram = new double[experts * experts];
        int index = 0;
        for (int i = 0; i < experts; i++) {
            for (int j = 0; j <= i; j++) {
                double value = sums.value(index++);
                gram[i * experts + j] = value;
                gram[j * experts + i] = value;
            }
        }
        return gram;
    }

    private void writeObject(java.io.ObjectOutputStream out) throws java.io.IOException {
        flush();
        out.defaultWriteObject();
    }
}

package dev.uncurl.routing;

import java.io.Serializable;
import java.util.Arrays;

/**
 * Sums up G = H^T H from rows of H [N, E]: {@link RouterGram} with the same bits for any order and grouping of the rows.
 * Rows are taken in blocks, in which the products' parts add up without rounding. Not safe for use by several threads.
 */
final class GramSums implements Serializable {
    private static final long serialVersionUID = 1L;

    private final int experts;

    /** The lower triangle, row by row. */
    private final ExactSums sums;

    private transient double[] block;
    private transient int waiting;

    GramSums(int experts) {
        this.experts = experts;
        sums = new ExactSums(experts * (experts + 1) / 2);
    }

    /** Adds a row of finite logits. */
    void add(float[] logits) {
        if (block == null) {
            block = new double[ExactSums.BLOCK * experts];
        }
        int row = waiting * experts;
        for (int e = 0; e < experts; e++) {
            block[row + e] = logits[e];
        }
        if (++waiting == ExactSums.BLOCK) {
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
        double[] wholes = new double[experts];
        double[] rests = new double[experts];
        int index = 0;
        for (int i = 0; i < experts; i++) {
            Arrays.fill(wholes, 0, i + 1, 0);
            Arrays.fill(rests, 0, i + 1, 0);
            for (int row = 0; row < waiting * experts; row += experts) {
                addProducts(block[row + i], block, row, i + 1, wholes, rests);
            }
            for (int j = 0; j <= i; j++) {
                sums.add(index++, wholes[j], rests[j]);
            }
        }
        waiting = 0;
    }

    /** The hot loop: one factor times {@code length} others, split into parts; it runs in vector registers. */
    private static void addProducts(
            double factor, double[] others, int from, int length, double[] wholes, double[] rests) {
        for (int j = 0; j < length; j++) {
            double product = factor * others[from + j];
            double whole = ExactSums.coarse(product);
            wholes[j] += whole;
            rests[j] += ExactSums.fine(product - whole);
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

package dev.uncurl.pruning;

import dev.uncurl.error.Refusal;
import java.util.stream.IntStream;

/**
 * Puts the hidden neurons of an expert into the order that fits a reference best: the permutation P that maximises
 *
 * <pre>
 * &lt;W1_ref, W1 P&gt; + &lt;b1_ref, b1 P&gt; + &lt;W2_ref, P^T W2&gt;
 * </pre>
 *
 * That is a linear assignment problem over the F x F inner products of neurons (a neuron being its column of W1, its
 * bias and its row of W2), solved exactly. The expert's function is untouched. Where no permutation is better than
 * leaving the neurons as they are, they stay. Needs 8 F^2 + 16 D F bytes.
 */
public final class Alignment {
    private static final int COLUMNS = 512;
    private static final int TERMS = 64;

    private Alignment() {}

    /**
     * @return for each neuron of the reference the neuron of {@code expert} that belongs there, as
     *     {@link Expert#permuted} takes it
     * @throws Refusal (input) when a weight is NaN or infinite
     */
    public static int[] permutation(Expert reference, Expert expert) {
        int hidden = reference.feedForward();
        if (expert.feedForward() != hidden || expert.width() != reference.width()) {
            throw new IllegalArgumentException("Experts of different shapes cannot be aligned");
        }
        double[] products = products(reference, expert);
        for (double product : products) {
            if (!Double.isFinite(product)) {
                throw Refusal.input(
                        "An expert has weights that are NaN or infinite", "Use a checkpoint from before it diverged.");
            }
        }
        int[] best = LinearAssignment.maximize(products, hidden);
        int[] identity = IntStream.range(0, hidden).toArray();
        return sum(products, best) > sum(products, identity) ? best : identity;
    }

    private static double sum(double[] products, int[] permutation) {
        double sum = 0;
        for (int i = 0; i < permutation.length; i++) {
            sum += products[i * permutation.length + permutation[i]];
        }
        return sum;
    }

    /** What {@link #permutation} maximises. */
    public static double score(Expert reference, Expert expert, int[] permutation) {
        return sum(products(reference, expert), permutation);
    }

    /** [F, F]: inner product of neuron i of the reference with neuron j of the expert. */
    static double[] products(Expert reference, Expert expert) {
        int hidden = reference.feedForward();
        int terms = 2 * reference.width() + 1;
        double[][] left = features(reference);
        double[][] right = features(expert);
        double[] products = new double[Math.multiplyExact(hidden, hidden)];
        // tiles of the right side stay in cache while all rows pass over them
        for (int k = 0; k < terms; k += TERMS) {
            for (int j = 0; j < hidden; j += COLUMNS) {
                int lastTerm = Math.min(k + TERMS, terms);
                int lastColumn = Math.min(j + COLUMNS, hidden);
                for (int i = 0; i < hidden; i++) {
                    addTile(products, i * hidden, left, i, right, k, lastTerm, j, lastColumn);
                }
            }
        }
        return products;
    }

    private static void addTile(
            double[] products, int row, double[][] left, int i, double[][] right, int k, int lastTerm, int j, int end) {
        int term = k;
        for (; term + 4 <= lastTerm; term += 4) {
            double a0 = left[term][i];
            double a1 = left[term + 1][i];
            double a2 = left[term + 2][i];
            double a3 = left[term + 3][i];
            double[] r0 = right[term];
            double[] r1 = right[term + 1];
            double[] r2 = right[term + 2];
            double[] r3 = right[term + 3];
            for (int column = j; column < end; column++) {
                products[row + column] += a0 * r0[column] + a1 * r1[column] + a2 * r2[column] + a3 * r3[column];
            }
        }
        for (; term < lastTerm; term++) {
            double a = left[term][i];
            double[] r = right[term];
            for (int column = j; column < end; column++) {
                products[row + column] += a * r[column];
            }
        }
    }

    /** [2 D + 1][F]: W1, b1 and the transpose of W2, one column per neuron. */
    private static double[][] features(Expert expert) {
        int hidden = expert.feedForward();
        int width = expert.width();
        double[][] features = new double[2 * width + 1][hidden];
        for (int d = 0; d < width; d++) {
            for (int i = 0; i < hidden; i++) {
                features[d][i] = expert.w1()[d * hidden + i];
                features[width + 1 + d][i] = expert.w2()[i * width + d];
            }
        }
        for (int i = 0; i < hidden; i++) {
            features[width][i] = expert.b1()[i];
        }
        return features;
    }
}

package dev.uncurl.routing;

import dev.uncurl.error.UserError;
import java.util.Arrays;

/**
 * G = H^T H for the router logits H [N, E] of one layer: one row of table routing.gram. It is sufficient for clustering
 * by squared Euclidean distance, whatever the number of tokens N. Immutable; {@link RoutingSums} computes it. With C a
 * set of experts and mu_C the mean of their columns,
 *
 * <pre>
 * |h_i - h_j|^2  = G_ii - 2 G_ij + G_jj
 * |h_i - mu_C|^2 = G_ii - 2/|C| sum_{j in C} G_ij + 1/|C|^2 sum_{j,l in C} G_jl
 * </pre>
 */
public final class RouterGram implements java.io.Serializable {
    private static final long serialVersionUID = 1L;

    private final int experts;
    private final double[] gram;
    private final long tokens;

    /**
     * @param gram [E, E] row-major, copied
     * @throws UserError (input) when it is not a Gram matrix: wrong size, not finite, not symmetric, negative diagonal
     */
    public RouterGram(int experts, long tokens, double[] gram) {
        if (experts < 1 || tokens < 0 || gram.length != experts * experts) {
            throw refused(experts + " experts, " + tokens + " tokens and " + gram.length + " sums do not go together");
        }
        for (int i = 0; i < experts; i++) {
            for (int j = 0; j <= i; j++) {
                double value = gram[i * experts + j];
                boolean sound = Double.isFinite(value) && value == gram[j * experts + i] && (i != j || value >= 0);
                if (!sound) {
                    throw refused("entry (" + i + ", " + j + ") = " + value + " cannot be a sum of products");
                }
            }
        }
        this.experts = experts;
        this.tokens = tokens;
        this.gram = gram.clone();
    }

    private static UserError refused(String what) {
        return UserError.input("Not a Gram matrix of router logits: " + what, "Dump the router logits again.");
    }

    /** E. */
    public int experts() {
        return experts;
    }

    /** N. */
    public long tokens() {
        return tokens;
    }

    /** A copy of G [E, E], row-major. */
    public double[] gram() {
        return gram.clone();
    }

    /** G_ij = sum over tokens of logit i times logit j. */
    public double at(int i, int j) {
        return gram[i * experts + j];
    }

    /** |h_i - h_j|^2, never below 0. */
    public double squaredDistance(int i, int j) {
        return Math.max(0, at(i, i) - 2 * at(i, j) + at(j, j));
    }

    /** |h_i - mu_C|^2 for the mean of the columns of {@code cluster}, never below 0. */
    public double squaredDistanceToMean(int i, int[] cluster) {
        double cross = 0;
        double within = 0;
        for (int j : cluster) {
            cross += at(i, j);
            for (int l : cluster) {
                within += at(j, l);
            }
        }
        double size = cluster.length;
        return Math.max(0, at(i, i) - 2 / size * cross + within / (size * size));
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof RouterGram that && tokens == that.tokens && Arrays.equals(gram, that.gram);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(gram) * 31 + Long.hashCode(tokens);
    }

    @Override
    public String toString() {
        return "Gram matrix of " + experts + " experts over " + tokens + " tokens";
    }
}

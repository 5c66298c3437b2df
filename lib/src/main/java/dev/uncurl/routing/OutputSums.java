package dev.uncurl.routing;

import dev.uncurl.error.UserError;
import java.io.Serializable;

/**
 * Sums of the outputs of one layer's experts, every expert on every token, for clustering by output (HC-SMoE, Chen et
 * al. 2024, arXiv 2410.08589). The sums have the same bits for any order and grouping of the batches. Not thread-safe.
 */
public final class OutputSums implements Serializable {
    private static final long serialVersionUID = 1L;

    private final int experts;
    private final int width;
    private final ExactSums sums;
    private long tokens;
    private long sequences;

    /**
     * The sums of no tokens.
     *
     * @param width D
     */
    public OutputSums(int experts, int width) {
        this.experts = experts;
        this.width = width;
        sums = new ExactSums(Math.multiplyExact(experts, width));
    }

    /**
     * Adds the tokens of a batch for one expert. All experts must be given the same tokens, which {@link #addTokens}
     * counts.
     *
     * @param batch [D] the sum of the expert's outputs for them
     * @throws UserError (input) if a value is not finite or not below 2^34; then nothing is added
     */
    public void add(int expert, double[] batch) {
        if (batch.length != width) {
            throw refused("an output of " + batch.length + " numbers cannot be added to those of " + width);
        }
        for (double value : batch) {
            if (!(Math.abs(value) < ExactSums.TERM_LIMIT)) {
                throw UserError.input(
                        "The outputs of expert " + expert + " add up to " + value,
                        "The model has diverged: use an earlier checkpoint.");
            }
        }
        for (int i = 0; i < width; i++) {
            sums.add(expert * width + i, batch[i]);
        }
    }

    /** Counts the tokens of a batch and the sequences that begin in it. */
    public void addTokens(long moreTokens, long moreSequences) {
        tokens += moreTokens;
        sequences += moreSequences;
    }

    /** Adds the tokens of {@code other}, which is unchanged. */
    public void merge(OutputSums other) {
        if (other.experts != experts || other.width != width) {
            throw refused("outputs of " + other.experts + " x " + other.width + " cannot be added to those of "
                    + experts + " x " + width);
        }
        sums.merge(other.sums);
        addTokens(other.tokens, other.sequences);
    }

    private static UserError refused(String what) {
        return UserError.input("Not outputs of the same experts: " + what, "Dump the experts' outputs again.");
    }

    /** E. */
    public int experts() {
        return experts;
    }

    /** N. */
    public long tokens() {
        return tokens;
    }

    /** Number of sequences that the tokens belong to. */
    public long sequences() {
        return sequences;
    }

    /** The mean output of {@code expert} [D]; zeros without tokens. */
    public double[] mean(int expert) {
        double[] mean = new double[width];
        for (int i = 0; i < width; i++) {
            mean[i] = tokens == 0 ? 0 : sums.value(expert * width + i) / tokens;
        }
        return mean;
    }

    /** The inner products of the experts' mean outputs; its squared distances are those of the mean outputs. */
    public RouterGram gram() {
        double[][] means = new double[experts][];
        double[] gram = new double[experts * experts];
        for (int i = 0; i < experts; i++) {
            means[i] = mean(i);
            for (int j = 0; j <= i; j++) {
                double product = 0;
                for (int d = 0; d < width; d++) {
                    product += means[i][d] * means[j][d];
                }
                gram[i * experts + j] = product;
                gram[j * experts + i] = product;
            }
        }
        return new RouterGram(experts, tokens, gram);
    }
}

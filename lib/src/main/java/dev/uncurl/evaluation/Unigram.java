package dev.uncurl.evaluation;

/**
 * The unigram language model, a baseline: the probability of a token is its share of the training tokens, with one
 * added to every count so that no probability is 0.
 */
public final class Unigram {
    private final double[] logProbabilities;

    /** @param counts the number of each token id in the training tokens */
    public Unigram(long[] counts) {
        double total = counts.length;
        for (long count : counts) {
            total += count;
        }
        logProbabilities = new double[counts.length];
        for (int token = 0; token < counts.length; token++) {
            logProbabilities[token] = Math.log((counts[token] + 1) / total);
        }
    }

    /**
     * Cross-entropy in nats of all tokens but the first, which are those that a model predicts; ignores padding (-1).
     */
    public double loss(int[] sequence) {
        double loss = 0;
        for (int position = 1; position < sequence.length; position++) {
            if (sequence[position] >= 0) {
                loss -= logProbabilities[sequence[position]];
            }
        }
        return loss;
    }
}

package dev.uncurl.evaluation;

/**
 * The simplest language model, as a bar to beat: each token by its share of the training tokens, with one added to every
 * count so that no token is impossible.
 */
public final class Unigram {
    private final double[] logProbabilities;

    /** @param counts of each token id in the training tokens */
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

    /** Cross-entropy of the tokens that a model predicts too, all but the first; padding (-1) is left out. Nats. */
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

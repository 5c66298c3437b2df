package dev.uncurl.statistics;

import org.apache.commons.statistics.distribution.BinomialDistribution;

/**
 * McNemar's test of two models on the same examples. Only discordant examples count; if both models are equally good, each of
 * them is as likely to be of one kind as of the other. Examples must be independent.
 *
 * @param better examples that the model has right and the baseline wrong
 * @param worse examples that the model has wrong and the baseline right
 */
public record McNemar(int better, int worse) {
    public McNemar {
        if (better < 0 || worse < 0) {
            throw new IllegalArgumentException(better + " and " + worse + " discordant examples");
        }
    }

    /** The exact two-sided p-value: twice the probability of min(better, worse) or fewer in better + worse tosses, at most 1. */
    public double exact() {
        return Math.min(1, 2 * distribution().cumulativeProbability(Math.min(better, worse)));
    }

    /**
     * The mid-p value: twice the one-sided p-value with the observed count weighted by a half; less conservative than the exact
     * one (Fagerland, Lydersen and Laake, BMC Medical Research Methodology 13:91, 2013, with their rule for equal counts). 1
     * without discordant examples.
     */
    public double midP() {
        if (better + worse == 0) {
            return 1;
        }
        double observed = distribution().probability(Math.min(better, worse));
        return better == worse ? 1 - observed / 2 : exact() - observed;
    }

    private BinomialDistribution distribution() {
        return BinomialDistribution.of(better + worse, 0.5);
    }
}

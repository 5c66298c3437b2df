package dev.uncurl.statistics;

import org.apache.commons.statistics.distribution.NormalDistribution;

/** The smallest difference that a two-sided test at level 0.05 finds with probability 0.8. */
public final class Detectable {
    /** z(0.975) + z(0.8), about 2.80. */
    private static final double FACTOR = quantile(0.975) + quantile(0.8);

    private Detectable() {}

    /** From the standard error of the difference. */
    public static double difference(double standardError) {
        return FACTOR * standardError;
    }

    /**
     * For planning, before anything is measured: of accuracies, with the standard error sqrt(discordance / examples), that of no
     * difference.
     *
     * @param discordance share of the examples that exactly one of two models has right
     */
    public static double difference(double discordance, long examples) {
        return difference(Math.sqrt(discordance / examples));
    }

    private static double quantile(double probability) {
        return NormalDistribution.of(0, 1).inverseCumulativeProbability(probability);
    }
}

package dev.uncurl.statistics;

import java.util.Arrays;
import java.util.LinkedHashMap;
import org.apache.commons.statistics.distribution.NormalDistribution;

/**
 * Looks at a growing sample of pairs, to end a comparison early when a model is worse than a baseline by more than a margin.
 *
 * <p>At each look the interval of the difference D = sum x / sum w is D -+ z SE, with the standard error of a ratio, SE^2 = U / (U - 1) sum_u (x_u - D w_u)^2 / (sum w)^2, over
 * the sums x_u and w_u of the U units that are independent (the examples, or the passages that several share: Miller 2024,
 * arXiv 2411.00640). Its confidence is 1 - 0.05 / looks (Bonferroni), so that the chance that any look excludes the true
 * difference is at most 5%, however many there are and whatever their dependence, as far as the normal approximation holds. With
 * fewer than 20 units there is no decision.
 */
public final class InterimLooks {
    /** Chance that the interval of any look excludes the true difference. */
    private static final double ALPHA = 0.05;

    private static final int FEWEST_UNITS = 20;

    private final int count;
    private final double z;

    /** @param count how many looks there can be; none counts as one */
    public InterimLooks(int count) {
        this.count = Math.max(1, count);
        z = NormalDistribution.of(0, 1).inverseCumulativeProbability(1 - ALPHA / (2 * this.count));
    }

    /** Confidence of the interval of each look. */
    public double confidence() {
        return 1 - ALPHA / count;
    }

    /**
     * The difference at one look.
     *
     * @param difference above 0 if the model is better
     * @param halfWidth z SE; infinite with too few units
     */
    public record Look(double difference, double halfWidth) {
        public double low() {
            return difference - halfWidth;
        }

        public double high() {
            return difference + halfWidth;
        }

        /** Whether the interval has only values that are worse than the margin allows. */
        public boolean isWorseBy(double margin) {
            return high() < -margin;
        }
    }

    /**
     * Looks at the examples so far.
     *
     * @param x by example, how much better the model is than the baseline: difference in right answers (-1, 0, 1), or minus the
     *     difference of the losses
     * @param weights 1 for a mean over examples; the number of tokens for a loss per token
     * @param units by example, equal numbers for examples that are not independent of each other
     */
    public Look look(double[] x, double[] weights, long[] units) {
        double weight = Arrays.stream(weights).sum();
        double difference = Arrays.stream(x).sum() / weight;
        var residuals = new LinkedHashMap<Long, Double>();
        for (int i = 0; i < x.length; i++) {
            residuals.merge(units[i], x[i] - difference * weights[i], Double::sum);
        }
        int count = residuals.size();
        if (count < FEWEST_UNITS) {
            return new Look(difference, Double.POSITIVE_INFINITY);
        }
        double squares = residuals.values().stream()
                .mapToDouble(residual -> residual * residual)
                .sum();
        double error = Math.sqrt(squares * count / (count - 1)) / weight;
        return new Look(difference, z * error);
    }
}

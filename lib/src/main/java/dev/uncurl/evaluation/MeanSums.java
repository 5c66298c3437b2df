package dev.uncurl.evaluation;

import dev.uncurl.error.UserError;

/** Sums for the mean of one value per example or question, such as an exact match or a token F1. */
final class MeanSums {
    private long n;
    private double sum;
    private double squares;

    /** Sums are rounded: the same values in the same order give the same bits. */
    void add(double value) {
        n++;
        sum += value;
        squares += value * value;
    }

    /**
     * The mean, with the standard error of n independent values.
     *
     * @throws UserError (input) without values, or if one is not finite
     */
    Metric toMetric(String name) {
        if (n == 0) {
            throw UserError.input(
                    "No example was scored, so there is no " + name, "Evaluate on a split that has examples.");
        }
        double mean = sum / n;
        double error = n > 1 ? Math.sqrt(Math.max(0, squares - sum * mean) / (n - 1) / n) : 0;
        return new Metric(name, mean, n, error, null, null);
    }
}

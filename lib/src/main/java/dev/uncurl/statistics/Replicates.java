package dev.uncurl.statistics;

import java.util.Arrays;

/** Scores of subjects in each draw of a {@link Bootstrap}. */
public final class Replicates {
    private static final double TAIL = 0.025;

    private final double[][] sums;
    private final double[] weights;

    /**
     * @param sums subjects x draws
     * @param weights draws
     */
    Replicates(double[][] sums, double[] weights) {
        if (tail(weights.length) == 0) {
            throw new IllegalArgumentException(weights.length + " draws are too few for an interval of 95%");
        }
        this.sums = sums;
        this.weights = weights;
    }

    /** The 95% interval of a subject's score. */
    public Interval value(int subject) {
        return interval(values(subject));
    }

    /** The 95% interval of a subject's score less that of another. */
    public Interval difference(int subject, int other) {
        return interval(differences(subject, other));
    }

    /** Standard deviation over the draws of a subject's score less that of another: a standard error. */
    public double standardError(int subject, int other) {
        double[] differences = differences(subject, other);
        double mean = Arrays.stream(differences).average().orElseThrow();
        double squares = Arrays.stream(differences)
                .map(value -> (value - mean) * (value - mean))
                .sum();
        return Math.sqrt(squares / (differences.length - 1));
    }

    double[] values(int subject) {
        double[] values = new double[weights.length];
        for (int draw = 0; draw < values.length; draw++) {
            values[draw] = sums[subject][draw] / weights[draw];
        }
        return values;
    }

    /** Sums are subtracted, not scores: differences of accuracies are fractions rounded once, and equal ones are 0. */
    double[] differences(int subject, int other) {
        double[] differences = new double[weights.length];
        for (int draw = 0; draw < differences.length; draw++) {
            differences[draw] = (sums[subject][draw] - sums[other][draw]) / weights[draw];
        }
        return differences;
    }

    private static int tail(int draws) {
        return (int) ((draws + 1) * TAIL);
    }

    /** The k-th lowest and the k-th highest value, k = (draws + 1) * 0.025 rounded down. */
    private static Interval interval(double[] values) {
        Arrays.sort(values);
        int k = tail(values.length);
        return new Interval(values[k - 1], values[values.length - k]);
    }
}

package dev.uncurl.evaluation;

import dev.uncurl.error.UserError;
import java.util.Arrays;
import java.util.function.ToDoubleFunction;

/**
 * How often each class was predicted for each right class. That is all that accuracy, F1 and their standard errors depend
 * on, so examples can be counted where they are scored and the counts added up in any order.
 */
final class Confusion {
    private final int classes;
    /** [label, prediction] */
    private final long[] counts;

    /** @param classes predictions and labels are below it */
    Confusion(int classes) {
        if (classes < 1) {
            throw new IllegalArgumentException(classes + " classes");
        }
        this.classes = classes;
        counts = new long[Math.multiplyExact(classes, classes)];
    }

    static Confusion of(int[] predictions, int[] labels) {
        int most = Math.max(
                Arrays.stream(predictions).max().orElse(0),
                Arrays.stream(labels).max().orElse(0));
        var confusion = new Confusion(most + 1);
        for (int i = 0; i < labels.length; i++) {
            confusion.add(predictions[i], labels[i], 1);
        }
        return confusion;
    }

    /** Counts {@code times} examples. */
    void add(int prediction, int label, long times) {
        if (prediction < 0 || prediction >= classes || label < 0 || label >= classes || times < 0) {
            throw new IllegalArgumentException(
                    times + " times prediction " + prediction + ", label " + label + " of " + classes + " classes");
        }
        counts[label * classes + prediction] += times;
    }

    /** Number of examples. */
    long examples() {
        return Arrays.stream(counts).sum();
    }

    private long actual(int label) {
        return Arrays.stream(counts, label * classes, (label + 1) * classes).sum();
    }

    private long predicted(int prediction) {
        long sum = 0;
        for (int label = 0; label < classes; label++) {
            sum += counts[label * classes + prediction];
        }
        return sum;
    }

    private long hits(int label) {
        return counts[label * classes + label];
    }

    /**
     * Share of right answers; its standard error is that of a mean of n independent 0s and 1s.
     *
     * @param name acc, acc_norm or acc_bytes, according to how the predictions were made
     * @throws UserError (input) without examples
     */
    Metric accuracy(String name) {
        long n = requireExamples(name);
        long right = 0;
        for (int label = 0; label < classes; label++) {
            right += hits(label);
        }
        double accuracy = (double) right / n;
        double error = n > 1 ? Math.sqrt(accuracy * (1 - accuracy) / (n - 1)) : 0;
        return new Metric(name, accuracy, n, error, majority(n), constant());
    }

    /** CommitmentBank's second metric, as {@link Metric#meanF1}. */
    Metric meanF1() {
        return jackknifed("f1", Confusion::meanOfF1);
    }

    /** MultiRC's first metric, as {@link Metric#f1OfClass}. */
    Metric f1OfClass(int of) {
        return jackknifed("f1_a", left -> left.f1(of));
    }

    private double f1(int of) {
        if (of >= classes) {
            return 0;
        }
        long either = predicted(of) + actual(of);
        return either == 0 ? 0 : 2.0 * hits(of) / either;
    }

    private double meanOfF1() {
        double sum = 0;
        int occurring = 0;
        for (int c = 0; c < classes; c++) {
            if (predicted(c) + actual(c) > 0) {
                sum += f1(c);
                occurring++;
            }
        }
        return occurring == 0 ? 0 : sum / occurring;
    }

    /**
     * The jackknife's standard error, sqrt((n - 1) / n sum_i (v_i - mean)^2) with v_i the value without example i, which is
     * the same for all examples of one label and prediction.
     */
    private Metric jackknifed(String name, ToDoubleFunction<Confusion> metric) {
        long n = requireExamples(name);
        double value = metric.applyAsDouble(this);
        double sum = 0;
        double squares = 0;
        for (int cell = 0; cell < counts.length; cell++) {
            if (counts[cell] > 0) {
                counts[cell]--;
                double without = metric.applyAsDouble(this) - value;
                counts[cell]++;
                sum += counts[cell] * without;
                squares += counts[cell] * without * without;
            }
        }
        double error = n > 1 ? Math.sqrt(Math.max(0, (n - 1.0) / n * (squares - sum * sum / n))) : 0;
        return new Metric(name, value, n, error, majority(n), constant());
    }

    private long requireExamples(String name) {
        long n = examples();
        if (n == 0) {
            throw UserError.input(
                    "No example was scored, so there is no " + name, "Evaluate on a split that has examples.");
        }
        return n;
    }

    private double majority(long n) {
        long most = 0;
        for (int label = 0; label < classes; label++) {
            most = Math.max(most, actual(label));
        }
        return (double) most / n;
    }

    private boolean constant() {
        int different = 0;
        for (int prediction = 0; prediction < classes; prediction++) {
            different += predicted(prediction) > 0 ? 1 : 0;
        }
        return different == 1;
    }
}

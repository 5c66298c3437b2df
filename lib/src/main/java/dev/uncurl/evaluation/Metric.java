package dev.uncurl.evaluation;

import java.util.Arrays;

/**
 * One figure with what is needed to judge it.
 *
 * @param n examples behind an accuracy or an F1, predicted tokens behind a loss
 * @param standardError of {@code value}
 * @param majorityBaseline share of the largest class; null where there are no classes
 * @param constantPredictor whether the model gave the same answer to every example; null where there are no classes
 */
public record Metric(
        String name, double value, long n, double standardError, Double majorityBaseline, Boolean constantPredictor) {

    /** The most likely choice; ties go to the lower index. */
    public static int prediction(double[] logLikelihoods) {
        int best = 0;
        for (int choice = 1; choice < logLikelihoods.length; choice++) {
            if (logLikelihoods[choice] > logLikelihoods[best]) {
                best = choice;
            }
        }
        return best;
    }

    /** Share of right answers; its standard error is that of a mean of n independent 0s and 1s. */
    public static Metric accuracy(int[] predictions, int[] labels) {
        int n = requirePairs(predictions, labels);
        int right = 0;
        for (int i = 0; i < n; i++) {
            right += predictions[i] == labels[i] ? 1 : 0;
        }
        double accuracy = (double) right / n;
        double error = n > 1 ? Math.sqrt(accuracy * (1 - accuracy) / (n - 1)) : 0;
        return new Metric("accuracy", accuracy, n, error, majority(labels), constant(predictions));
    }

    /**
     * Mean of the one-against-rest F1 of the classes that occur in labels or predictions, CommitmentBank's second
     * metric. The standard error is the jackknife's.
     */
    public static Metric meanF1(int[] predictions, int[] labels, int classes) {
        int n = requirePairs(predictions, labels);
        double all = meanF1(predictions, labels, classes, -1);
        double sum = 0;
        double squares = 0;
        for (int left = 0; left < n; left++) {
            double without = meanF1(predictions, labels, classes, left);
            sum += without;
            squares += without * without;
        }
        double error = n > 1 ? Math.sqrt(Math.max(0, (n - 1.0) / n * (squares - sum * sum / n))) : 0;
        return new Metric("f1", all, n, error, majority(labels), constant(predictions));
    }

    private static double meanF1(int[] predictions, int[] labels, int classes, int leftOut) {
        int[] hits = new int[classes];
        int[] predicted = new int[classes];
        int[] actual = new int[classes];
        for (int i = 0; i < labels.length; i++) {
            if (i != leftOut) {
                predicted[predictions[i]]++;
                actual[labels[i]]++;
                hits[labels[i]] += predictions[i] == labels[i] ? 1 : 0;
            }
        }
        double sum = 0;
        int occurring = 0;
        for (int c = 0; c < classes; c++) {
            if (predicted[c] + actual[c] > 0) {
                sum += 2.0 * hits[c] / (predicted[c] + actual[c]);
                occurring++;
            }
        }
        return occurring == 0 ? 0 : sum / occurring;
    }

    /**
     * Mean loss per token, sum of losses over sum of tokens. Its standard error takes the examples as independent (a
     * ratio estimator): sqrt(n / (n - 1) * sum_i (l_i - r t_i)^2) / sum_i t_i.
     */
    public static Metric lossPerToken(String name, double[] losses, int[] tokens) {
        double loss = Arrays.stream(losses).sum();
        long count = Arrays.stream(tokens).asLongStream().sum();
        if (count == 0) {
            throw new IllegalArgumentException("No token was predicted for " + name);
        }
        double ratio = loss / count;
        double squares = 0;
        for (int i = 0; i < losses.length; i++) {
            double residual = losses[i] - ratio * tokens[i];
            squares += residual * residual;
        }
        int n = losses.length;
        double error = n > 1 ? Math.sqrt(squares * n / (n - 1)) / count : 0;
        return new Metric(name, ratio, count, error, null, null);
    }

    private static int requirePairs(int[] predictions, int[] labels) {
        if (predictions.length != labels.length || labels.length == 0) {
            throw new IllegalArgumentException(predictions.length + " predictions for " + labels.length + " labels");
        }
        return labels.length;
    }

    private static double majority(int[] labels) {
        int[] counts = new int[Arrays.stream(labels).max().orElse(0) + 1];
        int most = 0;
        for (int label : labels) {
            most = Math.max(most, ++counts[label]);
        }
        return (double) most / labels.length;
    }

    private static boolean constant(int[] predictions) {
        return Arrays.stream(predictions).distinct().count() == 1;
    }
}

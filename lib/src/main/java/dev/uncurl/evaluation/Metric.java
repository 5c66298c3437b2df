package dev.uncurl.evaluation;

import dev.uncurl.error.UserError;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.function.IntToDoubleFunction;

/**
 * A metric with its standard error and baselines. acc, f1 and em have the names of lm-evaluation-harness.
 *
 * @param n examples behind an accuracy or an F1, questions behind an exact match, predicted tokens behind a loss
 * @param standardError of {@code value}
 * @param majorityBaseline share of the largest class; null if there are no classes
 * @param constantPredictor whether the model gave the same answer to every example; null if there are no classes
 */
public record Metric(
        String name, double value, long n, double standardError, Double majorityBaseline, Boolean constantPredictor) {
    /** @throws UserError (input) for a value or standard error that is not finite */
    public Metric {
        if (!Double.isFinite(value) || !Double.isFinite(standardError)) {
            throw UserError.input(
                    name + " is " + value + ", its standard error " + standardError + "; both must be finite",
                    "Check the model with verify, and the losses in evaluation.examples.");
        }
    }

    /**
     * The most likely choice; ties go to the lower index.
     *
     * @throws UserError (input) for a log-likelihood that is not finite, since then no choice is the most likely
     */
    public static int prediction(double[] logLikelihoods) {
        for (int choice = 0; choice < logLikelihoods.length; choice++) {
            if (!Double.isFinite(logLikelihoods[choice])) {
                throw UserError.input(
                        "The log-likelihood of choice " + choice + " is " + logLikelihoods[choice],
                        "Check the model with verify.");
            }
        }
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
        return new Metric("acc", accuracy, n, error, majority(labels), constant(predictions));
    }

    /**
     * Mean of the one-against-rest F1 of the classes that occur in labels or predictions, CommitmentBank's second
     * metric. The standard error is the jackknife's.
     */
    public static Metric meanF1(int[] predictions, int[] labels, int classes) {
        requirePairs(predictions, labels);
        return jackknifed("f1", predictions, labels, left -> meanF1(predictions, labels, classes, left));
    }

    /**
     * F1 of one class, 2 hits / (predicted + actual), over all answers of all questions: MultiRC's first metric F1a, of
     * the class of right answers. 0 where the class neither occurs nor is predicted. The standard error is the
     * jackknife's, over answers.
     */
    public static Metric f1OfClass(int[] predictions, int[] labels, int of) {
        requirePairs(predictions, labels);
        return jackknifed("f1_a", predictions, labels, left -> f1OfClass(predictions, labels, of, left));
    }

    private static double f1OfClass(int[] predictions, int[] labels, int of, int leftOut) {
        int hits = 0;
        int either = 0;
        for (int i = 0; i < labels.length; i++) {
            if (i != leftOut) {
                hits += predictions[i] == of && labels[i] == of ? 1 : 0;
                either += (predictions[i] == of ? 1 : 0) + (labels[i] == of ? 1 : 0);
            }
        }
        return either == 0 ? 0 : 2.0 * hits / either;
    }

    /** @param without the metric without the example of the given index; -1 leaves none out */
    private static Metric jackknifed(String name, int[] predictions, int[] labels, IntToDoubleFunction without) {
        int n = labels.length;
        double sum = 0;
        double squares = 0;
        for (int left = 0; left < n; left++) {
            double value = without.applyAsDouble(left);
            sum += value;
            squares += value * value;
        }
        double error = n > 1 ? Math.sqrt(Math.max(0, (n - 1.0) / n * (squares - sum * sum / n))) : 0;
        return new Metric(name, without.applyAsDouble(-1), n, error, majority(labels), constant(predictions));
    }

    /**
     * Share of questions whose examples are all answered correctly: the exact match of MultiRC and ReCoRD.
     *
     * @param right whether the prediction of an example is one of its right choices
     * @param questions the question of each example, identified by any equal values
     */
    public static <Q> Metric exactMatch(boolean[] right, List<Q> questions) {
        if (right.length != questions.size() || right.length == 0) {
            throw new IllegalArgumentException(right.length + " answers for " + questions.size() + " questions");
        }
        var all = new HashMap<Q, Boolean>();
        for (int i = 0; i < right.length; i++) {
            all.merge(questions.get(i), right[i], Boolean::logicalAnd);
        }
        int n = all.size();
        double share = (double) all.values().stream().filter(matched -> matched).count() / n;
        double error = n > 1 ? Math.sqrt(share * (1 - share) / (n - 1)) : 0;
        return new Metric("em", share, n, error, null, null);
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
     * Mean loss per token, sum of losses over sum of tokens. The standard error assumes independent examples (a ratio
     * estimator): sqrt(n / (n - 1) * sum_i (l_i - r t_i)^2) / sum_i t_i.
     *
     * @throws UserError (input) if there is no token, or a loss is not finite
     */
    public static Metric lossPerToken(String name, double[] losses, int[] tokens) {
        double loss = Arrays.stream(losses).sum();
        long count = Arrays.stream(tokens).asLongStream().sum();
        if (count == 0) {
            throw UserError.input(
                    "No token was predicted, so there is no " + name,
                    "Evaluate on sequences or examples of two tokens or more.");
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

package dev.uncurl.evaluation;

import dev.uncurl.error.UserError;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;

/**
 * A metric with its standard error and baselines. acc, acc_norm, acc_bytes, f1, em and bits_per_byte have the names of
 * lm-evaluation-harness. Metrics over many examples are made from sums: {@link Confusion}, {@link MeanSums}, {@link
 * LossSums}.
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

    /**
     * The choice with the largest log-likelihood per unit of its length; ties go to the lower index. With lengths in
     * characters (code points) this is what acc_norm of lm-evaluation-harness counts, in UTF-8 bytes what acc_bytes counts, both
     * without the separator between prompt and choice. In tokens there is no such metric in the harness.
     *
     * @throws UserError (input) for a log-likelihood that is not finite
     */
    public static int prediction(double[] logLikelihoods, int[] lengths) {
        if (lengths.length != logLikelihoods.length || Arrays.stream(lengths).anyMatch(length -> length < 1)) {
            throw new IllegalArgumentException("Lengths " + Arrays.toString(lengths) + " of " + logLikelihoods.length
                    + " choices; each must be 1 or more");
        }
        double[] perUnit = logLikelihoods.clone();
        for (int choice = 0; choice < lengths.length; choice++) {
            perUnit[choice] /= lengths[choice];
        }
        return prediction(perUnit);
    }

    /** Share of right answers; its standard error is that of a mean of n independent 0s and 1s. */
    public static Metric accuracy(int[] predictions, int[] labels) {
        return accuracy("acc", predictions, labels);
    }

    /** @param name acc, acc_norm, acc_bytes or acc_tokens, according to how the predictions were made */
    public static Metric accuracy(String name, int[] predictions, int[] labels) {
        return confusion(predictions, labels).accuracy(name);
    }

    /**
     * Mean of the one-against-rest F1 of the classes that occur in labels or predictions, CommitmentBank's second
     * metric. The standard error is the jackknife's.
     */
    public static Metric meanF1(int[] predictions, int[] labels, int classes) {
        return confusion(predictions, labels).meanF1();
    }

    /**
     * F1 of one class, 2 hits / (predicted + actual), over all answers of all questions: MultiRC's first metric F1a, of
     * the class of right answers. 0 where the class neither occurs nor is predicted. The standard error is the
     * jackknife's, over answers.
     */
    public static Metric f1OfClass(int[] predictions, int[] labels, int of) {
        return confusion(predictions, labels).f1OfClass(of);
    }

    private static Confusion confusion(int[] predictions, int[] labels) {
        if (predictions.length != labels.length || labels.length == 0) {
            throw new IllegalArgumentException(predictions.length + " predictions for " + labels.length + " labels");
        }
        return Confusion.of(predictions, labels);
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
        var sums = new MeanSums();
        all.values().forEach(matched -> sums.add(matched ? 1 : 0));
        return sums.toMetric("em");
    }

    /**
     * Mean of one value per example, such as a token F1, with the standard error of independent values.
     *
     * @throws UserError (input) without values, or if one is not finite
     */
    public static Metric mean(String name, double[] values) {
        var sums = new MeanSums();
        Arrays.stream(values).forEach(sums::add);
        return sums.toMetric(name);
    }

    /**
     * Mean loss per token, sum of losses over sum of tokens. The standard error assumes independent examples (a ratio
     * estimator): sqrt(n / (n - 1) * sum_i (l_i - r t_i)^2) / sum_i t_i.
     *
     * @throws UserError (input) if there is no token, or a loss is not finite
     */
    public static Metric lossPerToken(String name, double[] losses, int[] tokens) {
        return LossSums.of(losses, tokens).perToken(name);
    }

    /**
     * bits_per_byte: the sum of losses over ln 2 and the number of UTF-8 bytes of the predicted text.
     *
     * @param losses nats
     * @throws UserError (input) if there is no byte, or a loss is not finite
     */
    public static Metric bitsPerByte(double[] losses, int[] bytes) {
        return LossSums.of(losses, bytes).bitsPerByte();
    }
}

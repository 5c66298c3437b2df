package dev.uncurl.routing;

import dev.uncurl.error.UserError;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * Computes the rows of routing.gram and routing.expert_statistics of one layer by sums over tokens. The sums have the
 * same bits for any order and grouping of the tokens, and so for any partitions, files and executors. Not thread-safe.
 */
public final class RoutingSums implements Serializable {
    private static final long serialVersionUID = 1L;

    /** Upper bound of the absolute values of router logits. */
    public static final float LOGIT_LIMIT = 0x1p17f;

    /**
     * One row of routing.expert_statistics.
     *
     * @param statistics the columns that pruning reads
     * @param probabilityDeviation standard deviation over all tokens of its softmax probability
     * @param frequentTokens number of its tokens that are {@linkplain RoutedToken#isFrequent frequent}
     * @param thirdTokens number of its tokens in each {@linkplain RoutedToken#third third} of their sequence [3]
     * @param repeatedTokens number of tokens that have it as their best expert, as the token before
     */
    public record Expert(
            ExpertStatistics.Row statistics,
            double probabilityDeviation,
            long frequentTokens,
            long[] thirdTokens,
            long repeatedTokens) {}

    /** The sums over all tokens come first, so that a token's terms are one row. */
    private static final int PROBABILITY = 0;

    private static final int SQUARE = 1;
    private static final int LOGIT = 2;
    private static final int OF_ALL_TOKENS = 3;
    private static final int GATE = 3;
    private static final int NORM = 4;
    private static final int CONTRIBUTION = 5;
    private static final int KINDS = 6;

    private static final int CHOSEN = 0;
    private static final int FREQUENT = 1;
    private static final int REPEATED = 2;
    private static final int THIRD = 3;
    private static final int COUNTS = 6;

    private final int experts;
    private final GramSums gram;
    private final ExactSums sums;
    private final long[] counts;
    private final double[] terms;
    private long tokens;
    private long sequences;

    /** The sums of no tokens. */
    public RoutingSums(int experts) {
        this.experts = experts;
        gram = new GramSums(experts);
        sums = new ExactSums(KINDS * experts);
        counts = new long[COUNTS * experts];
        terms = new double[OF_ALL_TOKENS * experts];
    }

    /**
     * Adds one token.
     *
     * @throws UserError (input) if a logit is NaN or not below {@link #LOGIT_LIMIT}, or a gate or norm is NaN or
     *     infinite; then nothing is added
     */
    public void add(RoutedToken token) {
        checkChoices(token);
        float[] logits = token.logits();
        double highest = highest(logits);
        double sum = 0;
        for (int e = 0; e < experts; e++) {
            terms[e] = Math.exp(logits[e] - highest);
            sum += terms[e];
        }
        for (int e = 0; e < experts; e++) {
            double probability = terms[e] / sum;
            terms[PROBABILITY * experts + e] = probability;
            terms[SQUARE * experts + e] = probability * probability;
            terms[LOGIT * experts + e] = logits[e];
        }
        sums.addRow(terms);
        for (int choice = 0; choice < token.experts().length; choice++) {
            addChoice(token, choice);
        }
        gram.add(logits);
        tokens++;
        sequences += token.position() == 0 ? 1 : 0;
    }

    private void checkChoices(RoutedToken token) {
        for (int choice = 0; choice < token.experts().length; choice++) {
            float gate = token.gates()[choice];
            float norm = token.outputNorms()[choice];
            double largest = Math.max(Math.abs(gate), Math.max(Math.abs(norm), Math.abs((double) gate * norm)));
            if (!(largest < ExactSums.TERM_LIMIT)) {
                throw UserError.input(
                        "The gate of row " + tokens + " is " + gate + ", the norm of its expert's output " + norm,
                        "The model has diverged: use an earlier checkpoint.");
            }
        }
    }

    private void addChoice(RoutedToken token, int choice) {
        int expert = token.experts()[choice];
        sums.add(GATE * experts + expert, token.gates()[choice]);
        sums.add(NORM * experts + expert, token.outputNorms()[choice]);
        sums.add(CONTRIBUTION * experts + expert, (double) token.gates()[choice] * token.outputNorms()[choice]);
        counts[CHOSEN * experts + expert]++;
        counts[(THIRD + token.third()) * experts + expert]++;
        counts[FREQUENT * experts + expert] += token.isFrequent() ? 1 : 0;
        counts[REPEATED * experts + expert] += choice == 0 && token.previousExpert() == expert ? 1 : 0;
    }

    private double highest(float[] logits) {
        if (logits.length != experts) {
            throw UserError.input(
                    "A token has " + logits.length + " router logits, other tokens have " + experts,
                    "Dump the router logits again.");
        }
        float highest = Float.NEGATIVE_INFINITY;
        float largest = 0;
        for (float logit : logits) {
            highest = Math.max(highest, logit);
            largest = Math.max(largest, Math.abs(logit));
        }
        if (!(largest < LOGIT_LIMIT)) { // or NaN, which is the largest of all
            refuse(logits);
        }
        return highest;
    }

    private void refuse(float[] logits) {
        for (int e = 0; e < experts; e++) {
            if (!(Math.abs(logits[e]) < LOGIT_LIMIT)) {
                throw UserError.input(
                        "The router logit of row " + tokens + ", expert " + e + " is " + logits[e],
                        "The model has diverged: use an earlier checkpoint.");
            }
        }
    }

    /** Adds the tokens of {@code other}, which is unchanged. */
    public void merge(RoutingSums other) {
        if (other.experts != experts) {
            throw UserError.input(
                    "Sums of " + other.experts + " experts cannot be added to those of " + experts,
                    "Dump the router logits again.");
        }
        gram.merge(other.gram);
        sums.merge(other.sums);
        for (int i = 0; i < counts.length; i++) {
            counts[i] += other.counts[i];
        }
        tokens += other.tokens;
        sequences += other.sequences;
    }

    /** E. */
    public int experts() {
        return experts;
    }

    /** N. */
    public long tokens() {
        return tokens;
    }

    /** Sequences whose first token was added. */
    public long sequences() {
        return sequences;
    }

    /** The Gram matrix of the logits. */
    public RouterGram gram() {
        return new RouterGram(experts, tokens, gram.gram());
    }

    /** One row per expert, in ascending order. */
    public List<Expert> rows() {
        long all = 0;
        for (int e = 0; e < experts; e++) {
            all += counts[CHOSEN * experts + e];
        }
        var rows = new ArrayList<Expert>(experts);
        for (int e = 0; e < experts; e++) {
            long chosen = count(CHOSEN, e);
            double mean = share(sum(PROBABILITY, e), tokens);
            var statistics = new ExpertStatistics.Row(
                    e,
                    chosen,
                    share(chosen, all),
                    sum(GATE, e),
                    mean,
                    share(sum(LOGIT, e), tokens),
                    share(sum(NORM, e), chosen),
                    share(sum(CONTRIBUTION, e), chosen));
            rows.add(new Expert(
                    statistics,
                    Math.sqrt(Math.max(0, share(sum(SQUARE, e), tokens) - mean * mean)),
                    count(FREQUENT, e),
                    new long[] {count(THIRD, e), count(THIRD + 1, e), count(THIRD + 2, e)},
                    count(REPEATED, e)));
        }
        return rows;
    }

    private double sum(int kind, int expert) {
        return sums.value(kind * experts + expert);
    }

    private long count(int kind, int expert) {
        return counts[kind * experts + expert];
    }

    private static double share(double part, long whole) {
        return whole == 0 ? 0 : part / whole;
    }
}

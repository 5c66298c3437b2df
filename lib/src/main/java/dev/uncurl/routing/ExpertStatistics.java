package dev.uncurl.routing;

import dev.uncurl.error.UserError;
import java.util.ArrayList;
import java.util.List;

/**
 * How the experts of one layer were used: sums per expert over tokens, from which the rows of table
 * routing.expert_statistics are told. Sums add up over tokens, files and nights; the same chunks in the same order give
 * the same bits. Not safe for use by several threads.
 */
public final class ExpertStatistics implements java.io.Serializable {
    private static final long serialVersionUID = 1L;

    /**
     * One row of routing.expert_statistics.
     *
     * @param tokens choices of this expert; with top-k each token makes k
     * @param fraction its share of all choices
     * @param gateMass sum of its gates over the tokens that chose it
     * @param meanProbability mean over all tokens of its softmax probability
     * @param meanLogit mean over all tokens of its logit
     * @param outputNorm mean over the tokens that chose it of the Euclidean norm of its output, before the gate; 0 when
     *     none did
     * @param contribution mean over the tokens that chose it of gate times norm of its output, what it adds to the residual
     *     stream (the saliency of REAP, Lasby et al. 2025); 0 when none did
     */
    public record Row(
            int expert,
            long tokens,
            double fraction,
            double gateMass,
            double meanProbability,
            double meanLogit,
            double outputNorm,
            double contribution) {
        /** @throws UserError (input) that names the expert, when a value is NaN, infinite or of a sign it cannot have */
        public Row {
            check(expert, "tokens", tokens, tokens >= 0);
            check(expert, "fraction", fraction, fraction >= 0);
            check(expert, "gate_mass", gateMass, gateMass >= 0);
            check(expert, "mean_probability", meanProbability, meanProbability >= 0);
            check(expert, "mean_logit", meanLogit, true);
            check(expert, "output_norm", outputNorm, outputNorm >= 0);
            check(expert, "contribution", contribution, contribution >= 0);
        }

        private static void check(int expert, String column, double value, boolean possible) {
            if (!possible || !Double.isFinite(value)) {
                throw UserError.input(
                        "The " + column + " of expert " + expert + " is " + value,
                        "The model has diverged, or the row was changed: dump the router logits again.");
            }
        }
    }

    private final int experts;
    private final long[] choices;
    private final double[] gateMass;
    private final double[] probability;
    private final double[] logit;
    private final double[] outputNorm;
    private final double[] contribution;
    private long tokens;

    /** The statistics of no tokens. */
    public ExpertStatistics(int experts) {
        this.experts = experts;
        choices = new long[experts];
        gateMass = new double[experts];
        probability = new double[experts];
        logit = new double[experts];
        outputNorm = new double[experts];
        contribution = new double[experts];
    }

    /**
     * The statistics that gave these rows; sums are restored from means, to rounding.
     *
     * @param tokens N, as routing.gram tells it
     * @param rows one per expert, in any order
     * @throws UserError (input) when an expert is missing or twice
     */
    public static ExpertStatistics of(long tokens, List<Row> rows) {
        var statistics = new ExpertStatistics(rows.size());
        statistics.tokens = tokens;
        boolean[] seen = new boolean[rows.size()];
        for (Row row : rows) {
            int expert = row.expert();
            if (expert < 0 || expert >= rows.size() || seen[expert]) {
                throw UserError.input(
                        "Expert " + expert + " of " + rows.size() + " is out of range or has two rows of statistics",
                        "Dump the router logits again.");
            }
            seen[expert] = true;
            statistics.choices[expert] = row.tokens();
            statistics.gateMass[expert] = row.gateMass();
            statistics.probability[expert] = row.meanProbability() * tokens;
            statistics.logit[expert] = row.meanLogit() * tokens;
            statistics.outputNorm[expert] = row.outputNorm() * row.tokens();
            statistics.contribution[expert] = row.contribution() * row.tokens();
        }
        return statistics;
    }

    /**
     * Adds one token.
     *
     * @param experts the k experts chosen
     * @param gates their gates
     * @param logits all E logits
     * @param outputNorms norms of the chosen experts' outputs
     */
    public void add(int[] experts, float[] gates, float[] logits, float[] outputNorms) {
        add(experts, gates, outputNorms, 0, experts.length, logits, 0);
    }

    /** Adds one token out of arrays of many: its {@code topK} choices from {@code choice} on, its logits from {@code offset}. */
    public void add(
            int[] chosen, float[] gates, float[] outputNorms, int choice, int topK, float[] logits, int offset) {
        double highest = Double.NEGATIVE_INFINITY;
        for (int e = 0; e < experts; e++) {
            if (!Float.isFinite(logits[offset + e])) {
                throw UserError.input(
                        "The router logit of row " + tokens + ", expert " + e + " is " + logits[offset + e],
                        "The model has diverged: use an earlier checkpoint.");
            }
            highest = Math.max(highest, logits[offset + e]);
        }
        double sum = 0;
        for (int e = 0; e < experts; e++) {
            sum += Math.exp(logits[offset + e] - highest);
        }
        for (int e = 0; e < experts; e++) {
            logit[e] += logits[offset + e];
            probability[e] += Math.exp(logits[offset + e] - highest) / sum;
        }
        for (int c = choice; c < choice + topK; c++) {
            choices[chosen[c]]++;
            gateMass[chosen[c]] += gates[c];
            outputNorm[chosen[c]] += outputNorms[c];
            contribution[chosen[c]] += (double) gates[c] * outputNorms[c];
        }
        tokens++;
    }

    /** Adds the tokens of {@code other}, which stays as it is. */
    public void merge(ExpertStatistics other) {
        if (other.experts != experts) {
            throw UserError.input(
                    "Statistics of " + other.experts + " experts cannot be added to those of " + experts,
                    "Dump the router logits again.");
        }
        for (int e = 0; e < experts; e++) {
            choices[e] += other.choices[e];
            gateMass[e] += other.gateMass[e];
            probability[e] += other.probability[e];
            logit[e] += other.logit[e];
            outputNorm[e] += other.outputNorm[e];
            contribution[e] += other.contribution[e];
        }
        tokens += other.tokens;
    }

    /** E. */
    public int experts() {
        return experts;
    }

    /** N. */
    public long tokens() {
        return tokens;
    }

    /** How often {@code expert} was chosen. */
    public long choices(int expert) {
        return choices[expert];
    }

    /** Sum of the gates of {@code expert} over the tokens that chose it. */
    public double gateMass(int expert) {
        return gateMass[expert];
    }

    /** Mean over the tokens that chose {@code expert} of gate times norm of its output; 0 when none did. */
    public double contribution(int expert) {
        return share(contribution[expert], choices[expert]);
    }

    /** One row per expert, in ascending order. */
    public List<Row> rows() {
        long all = 0;
        for (long count : choices) {
            all += count;
        }
        var rows = new ArrayList<Row>(experts);
        for (int e = 0; e < experts; e++) {
            rows.add(new Row(
                    e,
                    choices[e],
                    share(choices[e], all),
                    gateMass[e],
                    share(probability[e], tokens),
                    share(logit[e], tokens),
                    share(outputNorm[e], choices[e]),
                    contribution(e)));
        }
        return rows;
    }

    private static double share(double part, long whole) {
        return whole == 0 ? 0 : part / whole;
    }
}

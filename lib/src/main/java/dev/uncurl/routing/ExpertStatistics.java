package dev.uncurl.routing;

import dev.uncurl.error.UserError;
import java.util.List;

/**
 * How often and how strongly the experts of one layer were used: what pruning needs of the rows of table
 * routing.expert_statistics. Immutable.
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

    private final long[] choices;
    private final double[] gateMass;
    private final double[] contribution;

    private ExpertStatistics(int experts) {
        choices = new long[experts];
        gateMass = new double[experts];
        contribution = new double[experts];
    }

    /**
     * The statistics of a layer's rows.
     *
     * @param rows one per expert, in any order
     * @throws UserError (input) if an expert is missing or has two rows
     */
    public static ExpertStatistics of(List<Row> rows) {
        var statistics = new ExpertStatistics(rows.size());
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
            statistics.contribution[expert] = row.contribution() * row.tokens();
        }
        return statistics;
    }

    /** E. */
    public int experts() {
        return choices.length;
    }

    /** How often {@code expert} was chosen. */
    public long choices(int expert) {
        return choices[expert];
    }

    /** Sum of the gates of {@code expert} over the tokens that chose it. */
    public double gateMass(int expert) {
        return gateMass[expert];
    }

    /** Mean of gate times norm of its output over the tokens that chose {@code expert}; 0 if none did. */
    public double contribution(int expert) {
        return choices[expert] == 0 ? 0 : contribution[expert] / choices[expert];
    }
}

package dev.uncurl.routing;

import java.util.ArrayList;
import java.util.List;

/** The statistics of a layer's experts by their definition: sums in double, token by token. */
public final class NaiveStatistics {
    private final int experts;
    private final long[] choices;
    private final double[] gateMass;
    private final double[] probability;
    private final double[] logit;
    private final double[] outputNorm;
    private final double[] contribution;
    private long tokens;

    public NaiveStatistics(int experts) {
        this.experts = experts;
        choices = new long[experts];
        gateMass = new double[experts];
        probability = new double[experts];
        logit = new double[experts];
        outputNorm = new double[experts];
        contribution = new double[experts];
    }

    /**
     * Adds one token.
     *
     * @param chosen its k experts
     * @param gates their gates [k]
     * @param logits all E logits
     * @param outputNorms norms of the chosen experts' outputs [k]
     */
    public void add(int[] chosen, float[] gates, float[] logits, float[] outputNorms) {
        double highest = Double.NEGATIVE_INFINITY;
        for (float value : logits) {
            highest = Math.max(highest, value);
        }
        double sum = 0;
        for (float value : logits) {
            sum += Math.exp(value - highest);
        }
        for (int e = 0; e < experts; e++) {
            logit[e] += logits[e];
            probability[e] += Math.exp(logits[e] - highest) / sum;
        }
        for (int c = 0; c < chosen.length; c++) {
            choices[chosen[c]]++;
            gateMass[chosen[c]] += gates[c];
            outputNorm[chosen[c]] += outputNorms[c];
            contribution[chosen[c]] += (double) gates[c] * outputNorms[c];
        }
        tokens++;
    }

    /** One row per expert, in ascending order. */
    public List<ExpertStatistics.Row> rows() {
        long all = 0;
        for (long count : choices) {
            all += count;
        }
        var rows = new ArrayList<ExpertStatistics.Row>(experts);
        for (int e = 0; e < experts; e++) {
            rows.add(new ExpertStatistics.Row(
                    e,
                    choices[e],
                    share(choices[e], all),
                    gateMass[e],
                    share(probability[e], tokens),
                    share(logit[e], tokens),
                    share(outputNorm[e], choices[e]),
                    share(contribution[e], choices[e])));
        }
        return rows;
    }

    public ExpertStatistics statistics() {
        return ExpertStatistics.of(rows());
    }

    private static double share(double part, long whole) {
        return whole == 0 ? 0 : part / whole;
    }
}

package dev.uncurl.model;

import dev.uncurl.model.spec.MoeConfig;

/**
 * Balance loss and z-loss of one router, over the tokens of all ranks of a micro-step.
 *
 * <p>Balance loss R sum_r f_r P_r (Fedus et al. 2021): f_r is the share of row r in all choices, before capacity drops, and a
 * constant in the gradient; P_r is its mean probability. Z-loss (Zoph et al. 2022): the mean of logsumexp^2.
 *
 * <p>The balance loss includes only the L live rows, which lead to an expert: L sum_r f_r Q_r with f the shares in the
 * choices of live rows, and Q the mean over all tokens of the softmax over live rows. With P instead of Q, the loss could
 * be lowered by moving probability to masked or zeroed rows, which balances nothing.
 */
final class RouterLosses {
    private final MoeConfig moe;
    private final boolean[] live;
    private final int liveRows;
    /** [R] choices of each row. */
    private final double[] choices;
    /** [R] sum over tokens of the softmax over live rows. */
    private final double[] probability;

    private double tokens;
    private double squares;
    private double liveChoices;

    /** @param live [R] whether a row leads to an expert */
    RouterLosses(MoeConfig moe, boolean[] live, int liveRows) {
        this.moe = moe;
        this.live = live;
        this.liveRows = liveRows;
        choices = new double[live.length];
        probability = new double[live.length];
    }

    /** Number of values of {@link #put}. */
    int size() {
        return 2 + 2 * live.length;
    }

    /**
     * Puts the statistics of one rank's tokens into the first values of {@code own}.
     *
     * @param counts [R] choices of each row
     * @param liveProbabilities [N, R] softmax over live rows; 0 for padding
     * @param logSumExp [N]; 0 for padding
     * @param routed tokens that are not padding
     * @param positions N
     */
    void put(double[] own, int[] counts, double[] liveProbabilities, double[] logSumExp, int routed, int positions) {
        int rows = live.length;
        own[0] = routed;
        own[1] = 0;
        for (int token = 0; token < positions; token++) {
            own[1] += logSumExp[token] * logSumExp[token];
        }
        for (int row = 0; row < rows; row++) {
            own[2 + row] = counts[row];
            double sum = 0;
            for (int token = 0; token < positions; token++) {
                sum += liveProbabilities[token * rows + row];
            }
            own[2 + rows + row] = sum;
        }
    }

    /** Adds up the statistics of all ranks, in their order. */
    void take(double[][] ofRanks) {
        tokens = 0;
        squares = 0;
        liveChoices = 0;
        for (double[] rank : ofRanks) {
            tokens += rank[0];
            squares += rank[1];
        }
        for (int row = 0; row < live.length; row++) {
            choices[row] = 0;
            probability[row] = 0;
            for (double[] rank : ofRanks) {
                choices[row] += rank[2 + row];
                probability[row] += rank[2 + live.length + row];
            }
            liveChoices += live[row] ? choices[row] : 0;
        }
    }

    /** Tokens of all ranks that are not padding. */
    int tokens() {
        return (int) tokens;
    }

    /** R sum_r f_r P_r, of live rows among themselves; 0 when there are no tokens. */
    double balance() {
        double balance = 0;
        for (int row = 0; row < live.length && tokens > 0; row++) {
            balance += share(row) * probability[row] / tokens;
        }
        return liveRows * balance;
    }

    /** mean(logsumexp^2). */
    double z() {
        return tokens == 0 ? 0 : squares / tokens;
    }

    /** Share of a live row in the choices of live rows; 0 of another row, or if there is no such choice. */
    private double share(int row) {
        return live[row] && choices[row] > 0 ? choices[row] / liveChoices : 0;
    }

    /** Derivative of the weighted balance loss by a token's probability of {@code row}. */
    double balanceSlope(int row) {
        return moe.balanceLoss() * liveRows * share(row) / tokens;
    }

    /** Derivative of the weighted z-loss by a token's logsumexp. */
    double zSlope(double logSumExp) {
        return 2 * moe.zLoss() * logSumExp / tokens;
    }
}

package dev.uncurl.model;

import dev.uncurl.error.UserError;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.model.spec.MoeLayer;
import java.util.Arrays;

/**
 * The router of one MoE block: logits = x Wr^T with Wr [R, D], p = softmax(logits), the k most probable rows (ties to
 * the lower id), gates p_r, or p_r divided by their sum if so configured and k &gt; 1. A capacity does not change gates: those
 * of the choices that are left are not scaled up. {@link RouterLosses} has the losses.
 *
 * <p>A row represents an expert, R = E. In a mapped router ({@link MoeLayer}) several rows may represent the same
 * expert; this makes no difference here: rows are chosen, counted and balanced as if each had its own expert.
 * {@link TokenAssignments} converts choices of rows to assignments to experts.
 *
 * <p>Masked rows are part of p, and so of the gates and the z-loss, but only the other rows are chosen. Zeroed rows are
 * chosen as before; their gate is 0. If gates are scaled to sum to one, the divisor is the mass of all k choices, zeroed
 * ones too: so the gates of the others are what they were before their neighbours were dropped, and sum to less than one.
 */
final class Router {
    static final String DIVERGED =
            "The model has diverged: use an earlier checkpoint; in training, lower train.learning-rate or train.clip.";

    private final Kernels kernels;
    private final MoeConfig moe;
    private final int layer;
    private final int rows;
    private final int choices;
    private final Parameter weight;
    private final boolean renormalize;
    private final boolean partlyLive;
    private final boolean[] live;
    private final boolean[] choosable;

    /** [N, R] row-major on the heap, one line per token. */
    final double[] logits;

    final double[] probabilities;
    /** [N, R] softmax over live rows alone, 0 at others: the same array as {@link #probabilities} if all are live. */
    private final double[] liveProbabilities;
    /** [N, k] router rows, best first; -1 and a gate of 0 for padding. */
    final int[] chosen;

    final double[] gates;
    /**
     * [N, k] the gates before those of zeroed rows became 0: the same array as {@link #gates} if no row is zeroed.
     */
    private final double[] shares;
    /** Choices of each row [R], dropped ones too. */
    final int[] counts;

    private final double[] logSumExp;
    private final double[] dProbability;
    private final RouterLosses losses;
    private int routed;

    Router(Kernels kernels, MoeConfig moe, int layer, Parameter weight, int maxTokens) {
        this.kernels = kernels;
        this.moe = moe;
        this.layer = layer;
        this.weight = weight;
        MoeLayer shape = moe.layer(layer);
        rows = shape.routerRows();
        partlyLive = shape.liveRows() < rows;
        live = new boolean[rows];
        choosable = new boolean[rows];
        int[] expertOfRow = shape.expertOfRow();
        for (int row = 0; row < rows; row++) {
            live[row] = expertOfRow[row] >= 0;
            choosable[row] = expertOfRow[row] != MoeLayer.MASKED;
        }
        choices = moe.choices(layer);
        renormalize = moe.renormalize() && moe.topK() > 1;
        logits = new double[maxTokens * rows];
        probabilities = new double[maxTokens * rows];
        liveProbabilities = partlyLive ? new double[maxTokens * rows] : probabilities;
        chosen = new int[maxTokens * choices];
        gates = new double[maxTokens * choices];
        shares = shape.isZeroed() ? new double[maxTokens * choices] : gates;
        counts = new int[rows];
        logSumExp = new double[maxTokens];
        dProbability = new double[rows];
        losses = new RouterLosses(moe, live, shape.liveRows());
    }

    /**
     * @param batch identifies the padding
     * @param x [N, D]
     * @param scratch [N, R]
     * @throws UserError (input) if a logit is not finite
     */
    void forward(TokenBatch batch, Matrix x, Matrix scratch) {
        kernels.matrixProduct().exact().multiply(x, false, weight.value(), true, 0, scratch);
        scratch.read(logits);
        Arrays.fill(counts, 0);
        routed = 0;
        for (int token = 0; token < x.rows(); token++) {
            if (batch.tokens()[token] == TokenBatch.NONE) {
                leaveOut(token);
            } else {
                checkFinite(batch, token);
                route(token);
                routed++;
            }
        }
    }

    private void leaveOut(int token) {
        Arrays.fill(logits, token * rows, (token + 1) * rows, 0);
        Arrays.fill(probabilities, token * rows, (token + 1) * rows, 0);
        Arrays.fill(liveProbabilities, token * rows, (token + 1) * rows, 0);
        Arrays.fill(chosen, token * choices, (token + 1) * choices, -1);
        Arrays.fill(gates, token * choices, (token + 1) * choices, 0);
        Arrays.fill(shares, token * choices, (token + 1) * choices, 0);
        logSumExp[token] = 0;
    }

    private void checkFinite(TokenBatch batch, int token) {
        for (int row = 0; row < rows; row++) {
            double logit = logits[token * rows + row];
            if (!Double.isFinite(logit)) {
                throw notFinite(batch, layer, moe.layer(layer), token, row, logit);
            }
        }
    }

    static UserError notFinite(TokenBatch batch, int layer, MoeLayer shape, int token, int row, double logit) {
        return UserError.input(
                "The router of block " + layer + " gives token " + batch.tokens()[token] + " at row "
                        + token / batch.columns() + ", column " + token % batch.columns() + " the logit " + logit
                        + (shape.isMapped() ? " for router row " : " for expert ") + row,
                DIVERGED);
    }

    /** Losses over the tokens of all ranks. */
    RouterLosses losses() {
        return losses;
    }

    /** Puts the statistics of this rank's tokens into the first values of {@code own}; see {@link RouterLosses#take}. */
    void putStatistics(double[] own, int tokens) {
        losses.put(own, counts, liveProbabilities, logSumExp, routed, tokens);
    }

    private void route(int token) {
        int at = token * rows;
        double largest = Double.NEGATIVE_INFINITY;
        for (int row = 0; row < rows; row++) {
            largest = Math.max(largest, logits[at + row]);
        }
        double sum = 0;
        for (int row = 0; row < rows; row++) {
            probabilities[at + row] = Math.exp(logits[at + row] - largest);
            sum += probabilities[at + row];
        }
        for (int row = 0; row < rows; row++) {
            probabilities[at + row] /= sum;
        }
        logSumExp[token] = largest + Math.log(sum);
        for (int choice = 0; choice < choices; choice++) {
            int best = mostProbable(at, token * choices, choice);
            chosen[token * choices + choice] = best;
            counts[best]++;
        }
        if (partlyLive) {
            softmaxOfLiveRows(at);
        }
        gate(at, token * choices);
    }

    private void softmaxOfLiveRows(int at) {
        double largest = Double.NEGATIVE_INFINITY;
        for (int row = 0; row < rows; row++) {
            largest = live[row] ? Math.max(largest, logits[at + row]) : largest;
        }
        double sum = 0;
        for (int row = 0; row < rows; row++) {
            liveProbabilities[at + row] = live[row] ? Math.exp(logits[at + row] - largest) : 0;
            sum += liveProbabilities[at + row];
        }
        for (int row = 0; row < rows; row++) {
            liveProbabilities[at + row] /= sum;
        }
    }

    private void gate(int at, int first) {
        double mass = 0;
        for (int i = first; i < first + choices; i++) {
            shares[i] = probabilities[at + chosen[i]];
            mass += shares[i];
        }
        if (renormalize) {
            if (mass < Double.MIN_NORMAL) { // all went to masked rows; the quotients are those of the live rows'
                // softmax, too
                mass = 0;
                for (int i = first; i < first + choices; i++) {
                    shares[i] = liveProbabilities[at + chosen[i]];
                    mass += shares[i];
                }
            }
            for (int i = first; i < first + choices; i++) {
                shares[i] /= mass;
            }
        }
        for (int i = first; i < first + choices; i++) {
            gates[i] = live[chosen[i]] ? shares[i] : 0;
        }
    }

    /** The row with the largest logit that can be chosen and is not among the {@code taken} first choices. */
    private int mostProbable(int at, int first, int taken) {
        int best = -1;
        for (int row = 0; row < rows; row++) {
            boolean free = choosable[row];
            for (int choice = 0; choice < taken; choice++) {
                free &= chosen[first + choice] != row;
            }
            if (free && (best < 0 || logits[at + row] > logits[at + best])) {
                best = row;
            }
        }
        return best;
    }

    /**
     * Overwrites the gradient of Wr and adds to {@code dx} [N, D].
     *
     * @param dGates [N, k] gradients of the gates; 0 at zeroed rows, whose gate is constant
     * @param x [N, D] as in forward
     * @param scratch [N, R]
     * @param dLogits room for N * R values
     */
    void backward(double[] dGates, Matrix x, Matrix scratch, double[] dLogits, Matrix dx) {
        for (int token = 0; token < x.rows(); token++) {
            if (chosen[token * choices] < 0) {
                Arrays.fill(dLogits, token * rows, (token + 1) * rows, 0);
            } else {
                backward(token, dGates, dLogits);
            }
        }
        scratch.write(dLogits);
        kernels.matrixProduct().exact().multiply(scratch, true, x, false, 0, weight.gradient());
        kernels.matrixProduct().exact().multiply(scratch, false, weight.value(), false, 1, dx);
    }

    private void backward(int token, double[] dGates, double[] dLogits) {
        int at = token * rows;
        int first = token * choices;
        for (int row = 0; row < rows; row++) {
            dProbability[row] = partlyLive ? 0 : losses.balanceSlope(row);
        }
        double mean = 0;
        for (int i = first; i < first + choices; i++) {
            mean += dGates[i] * shares[i];
            dProbability[chosen[i]] += renormalize ? 0 : dGates[i];
        }
        double inner = 0;
        for (int row = 0; row < rows; row++) {
            inner += dProbability[row] * probabilities[at + row];
        }
        double z = losses.zSlope(logSumExp[token]);
        for (int row = 0; row < rows; row++) {
            dLogits[at + row] = probabilities[at + row] * (dProbability[row] - inner + z);
        }
        for (int i = first; i < first + choices && renormalize; i++) {
            dLogits[at + chosen[i]] += shares[i] * (dGates[i] - mean);
        }
        if (partlyLive) {
            balanceLiveRows(at, dLogits);
        }
    }

    /** Adds the gradient of the balance loss, which depends on the softmax over live rows, not over all rows. */
    private void balanceLiveRows(int at, double[] dLogits) {
        double inner = 0;
        for (int row = 0; row < rows; row++) {
            inner += losses.balanceSlope(row) * liveProbabilities[at + row];
        }
        for (int row = 0; row < rows; row++) {
            dLogits[at + row] += liveProbabilities[at + row] * (losses.balanceSlope(row) - inner);
        }
    }
}

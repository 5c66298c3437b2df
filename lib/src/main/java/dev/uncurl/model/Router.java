package dev.uncurl.model;

import dev.uncurl.config.MoeConfig;
import dev.uncurl.error.Refusal;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;
import java.util.Arrays;

/**
 * The router of one MoE block: logits = x Wr^T with Wr [E, D], p = softmax(logits), the k most probable experts (ties to
 * the lower id), gates p_e, or p_e divided by their sum if so configured and k &gt; 1. Balance loss E sum_e f_e P_e
 * (Fedus et al. 2021; f_e, the share of assignments before any is dropped for want of capacity, is a constant in the
 * gradient) and z-loss (Zoph et al. 2022). A capacity does not change gates: those of the choices that are left are not
 * scaled up.
 */
final class Router {
    private final Kernels kernels;
    private final MoeConfig moe;
    private final int layer;
    private final Parameter weight;
    private final boolean renormalize;

    /** [N, E] row-major on the heap, one row per token. */
    final double[] logits;

    final double[] probabilities;
    /** [N, k]; -1 and 0 for padding. */
    final int[] chosen;

    final double[] gates;
    /** Assignments per expert [E], dropped ones too. */
    final int[] counts;

    private final double[] logSumExp;
    private final double[] dProbability;
    private int routed;

    Router(Kernels kernels, MoeConfig moe, int layer, Parameter weight, int maxTokens) {
        this.kernels = kernels;
        this.moe = moe;
        this.layer = layer;
        this.weight = weight;
        renormalize = moe.renormalize() && moe.topK() > 1;
        logits = new double[maxTokens * moe.experts()];
        probabilities = new double[maxTokens * moe.experts()];
        chosen = new int[maxTokens * moe.topK()];
        gates = new double[maxTokens * moe.topK()];
        counts = new int[moe.experts()];
        logSumExp = new double[maxTokens];
        dProbability = new double[moe.experts()];
    }

    /**
     * @param batch to know the padding
     * @param x [N, D]
     * @param scratch [N, E]
     * @throws Refusal (input) when a logit is not a finite number
     */
    void forward(TokenBatch batch, Matrix x, Matrix scratch) {
        kernels.product().multiply(x, false, weight.value(), true, 0, scratch);
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
        int experts = moe.experts();
        int choices = moe.topK();
        Arrays.fill(logits, token * experts, (token + 1) * experts, 0);
        Arrays.fill(probabilities, token * experts, (token + 1) * experts, 0);
        Arrays.fill(chosen, token * choices, (token + 1) * choices, -1);
        Arrays.fill(gates, token * choices, (token + 1) * choices, 0);
        logSumExp[token] = 0;
    }

    private void checkFinite(TokenBatch batch, int token) {
        for (int expert = 0; expert < moe.experts(); expert++) {
            double logit = logits[token * moe.experts() + expert];
            if (!Double.isFinite(logit)) {
                throw Refusal.input(
                        "The router of block " + layer + " gives token " + batch.tokens()[token] + " at row "
                                + token / batch.columns() + ", column " + token % batch.columns() + " the logit "
                                + logit + " for expert " + expert,
                        "The model has diverged: use an earlier checkpoint; in training, lower"
                                + " train.learning-rate or train.clip.");
            }
        }
    }

    /** Tokens of the batch that are not padding. */
    int routed() {
        return routed;
    }

    private void route(int token) {
        int experts = moe.experts();
        int at = token * experts;
        double largest = Double.NEGATIVE_INFINITY;
        for (int expert = 0; expert < experts; expert++) {
            largest = Math.max(largest, logits[at + expert]);
        }
        double sum = 0;
        for (int expert = 0; expert < experts; expert++) {
            probabilities[at + expert] = Math.exp(logits[at + expert] - largest);
            sum += probabilities[at + expert];
        }
        for (int expert = 0; expert < experts; expert++) {
            probabilities[at + expert] /= sum;
        }
        logSumExp[token] = largest + Math.log(sum);

        int first = token * moe.topK();
        double mass = 0;
        for (int choice = 0; choice < moe.topK(); choice++) {
            int best = mostProbable(at, first, choice);
            chosen[first + choice] = best;
            gates[first + choice] = probabilities[at + best];
            mass += probabilities[at + best];
            counts[best]++;
        }
        if (renormalize) {
            for (int choice = 0; choice < moe.topK(); choice++) {
                gates[first + choice] /= mass;
            }
        }
    }

    /** The expert with the largest logit that is not among the {@code taken} first choices. */
    private int mostProbable(int at, int first, int taken) {
        int best = -1;
        for (int expert = 0; expert < moe.experts(); expert++) {
            boolean free = true;
            for (int choice = 0; choice < taken; choice++) {
                free &= chosen[first + choice] != expert;
            }
            if (free && (best < 0 || logits[at + expert] > logits[at + best])) {
                best = expert;
            }
        }
        return best;
    }

    /** E sum_e f_e P_e over the tokens that are not padding; 0 when there are none. */
    double balance(int tokens) {
        int experts = moe.experts();
        double balance = 0;
        for (int expert = 0; expert < experts && routed > 0; expert++) {
            double mean = 0;
            for (int token = 0; token < tokens; token++) {
                mean += probabilities[token * experts + expert];
            }
            balance += share(expert) * mean / routed;
        }
        return experts * balance;
    }

    /** mean(logsumexp^2). */
    double z(int tokens) {
        double squares = 0;
        for (int token = 0; token < tokens; token++) {
            squares += logSumExp[token] * logSumExp[token];
        }
        return routed == 0 ? 0 : squares / routed;
    }

    private double share(int expert) {
        return (double) counts[expert] / ((double) routed * moe.topK());
    }

    /**
     * Overwrites the gradient of Wr and adds to {@code dx} [N, D].
     *
     * @param dGates [N, k] gradients of the gates
     * @param x [N, D] as in forward
     * @param scratch [N, E]
     * @param dLogits room for N * E values
     */
    void backward(double[] dGates, Matrix x, Matrix scratch, double[] dLogits, Matrix dx) {
        for (int token = 0; token < x.rows(); token++) {
            if (chosen[token * moe.topK()] < 0) {
                Arrays.fill(dLogits, token * moe.experts(), (token + 1) * moe.experts(), 0);
            } else {
                backward(token, dGates, dLogits);
            }
        }
        scratch.write(dLogits);
        kernels.product().multiply(scratch, true, x, false, 0, weight.gradient());
        kernels.product().multiply(scratch, false, weight.value(), false, 1, dx);
    }

    private void backward(int token, double[] dGates, double[] dLogits) {
        int experts = moe.experts();
        int at = token * experts;
        int first = token * moe.topK();
        for (int expert = 0; expert < experts; expert++) {
            dProbability[expert] = moe.balanceLoss() * experts * share(expert) / routed;
        }
        double mass = 0;
        double mean = 0;
        for (int i = first; i < first + moe.topK(); i++) {
            mass += probabilities[at + chosen[i]];
            mean += dGates[i] * gates[i];
        }
        for (int i = first; i < first + moe.topK(); i++) {
            dProbability[chosen[i]] += renormalize ? (dGates[i] - mean) / mass : dGates[i];
        }
        double inner = 0;
        for (int expert = 0; expert < experts; expert++) {
            inner += dProbability[expert] * probabilities[at + expert];
        }
        double z = 2 * moe.zLoss() * logSumExp[token] / routed;
        for (int expert = 0; expert < experts; expert++) {
            dLogits[at + expert] = probabilities[at + expert] * (dProbability[expert] - inner + z);
        }
    }
}

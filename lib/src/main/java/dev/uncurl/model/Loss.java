package dev.uncurl.model;

/**
 * Loss of one batch.
 *
 * @param crossEntropy mean over the predicted positions, in nats; 0 when there are none
 * @param predicted number of predicted positions
 * @param balance sum over MoE blocks of E * sum_e f_e P_e (1 for each block when perfectly balanced), unweighted
 * @param z sum over MoE blocks of mean(logsumexp(router logits)^2), unweighted
 * @param total crossEntropy + balance-loss * balance + z-loss * z, whose gradient is computed
 */
public record Loss(double crossEntropy, int predicted, double balance, double z, double total) {}

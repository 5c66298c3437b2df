package dev.uncurl.model;

import dev.uncurl.model.spec.MoeConfig;
import java.util.List;

/**
 * Loss of one batch.
 *
 * @param crossEntropy mean over the predicted positions, in nats; 0 when there are none
 * @param predicted number of predicted positions
 * @param balance sum over MoE blocks of E * sum_e f_e P_e (1 for each block when perfectly balanced), unweighted
 * @param z sum over MoE blocks of mean(logsumexp(router logits)^2), unweighted
 * @param total crossEntropy + balance-loss * balance + z-loss * z, whose gradient is computed
 */
public record Loss(double crossEntropy, int predicted, double balance, double z, double total) {
    /** The loss of blocks that have routed their tokens. */
    static Loss of(MoeConfig moe, double crossEntropy, int predicted, List<DecoderBlock> blocks) {
        double balance = 0;
        double z = 0;
        for (DecoderBlock block : blocks) {
            if (block.mixture() != null) {
                balance += block.mixture().balance();
                z += block.mixture().z();
            }
        }
        double total = crossEntropy + moe.balanceLoss() * balance + moe.zLoss() * z;
        return new Loss(crossEntropy, predicted, balance, z, total);
    }
}

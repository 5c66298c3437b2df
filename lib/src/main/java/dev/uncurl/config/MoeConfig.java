package dev.uncurl.config;

import static dev.uncurl.config.Check.check;

/**
 * The mixture of experts of a model.
 *
 * @param experts E, experts per MoE block; 0 makes every block dense
 * @param topK experts that a token is sent to
 * @param every one block in this many has experts: with 2, blocks 1, 3, 5, ...
 * @param renormalize whether the gates of the chosen experts are scaled to sum to one (for topK &gt; 1)
 * @param balanceLoss weight of E * sum_e f_e P_e, summed over MoE blocks
 * @param zLoss weight of mean(logsumexp(router logits)^2), summed over MoE blocks
 */
public record MoeConfig(int experts, int topK, int every, boolean renormalize, double balanceLoss, double zLoss)
        implements java.io.Serializable {
    public MoeConfig {
        check(experts >= 0, "moe.experts", experts, "0 (dense) or more");
        check(topK >= 1 && (experts == 0 || topK <= experts), "moe.top-k", topK, "between 1 and moe.experts");
        check(every >= 1, "moe.every", every, "1 or more");
        check(balanceLoss >= 0, "moe.balance-loss", balanceLoss, "0 or more");
        check(zLoss >= 0, "moe.z-loss", zLoss, "0 or more");
    }

    /** The same mixture with another number of experts. */
    public MoeConfig withExperts(int count) {
        return new MoeConfig(count, Math.min(topK, Math.max(count, 1)), every, renormalize, balanceLoss, zLoss);
    }
}

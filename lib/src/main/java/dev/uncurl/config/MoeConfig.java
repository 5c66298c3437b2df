package dev.uncurl.config;

import static dev.uncurl.config.Check.check;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.math.BigDecimal;
import java.math.RoundingMode;

/**
 * The mixture of experts of a model.
 *
 * @param experts E, experts per MoE block; 0 makes every block dense
 * @param topK k, experts that a token is sent to
 * @param every one block in this many has experts: with 2, blocks 1, 3, 5, ...
 * @param renormalize whether the gates of the chosen experts are scaled to sum to one (for topK &gt; 1)
 * @param balanceLoss weight of E * sum_e f_e P_e, summed over MoE blocks
 * @param zLoss weight of mean(logsumexp(router logits)^2), summed over MoE blocks
 * @param capacityFactor in training, how many assignments an expert takes at most, over its even share (see
 *     {@link #capacity}); 0: no limit. Left out of JSON when 0, so that a model made before it was known still counts
 *     as made from the same settings
 */
public record MoeConfig(
        int experts,
        int topK,
        int every,
        boolean renormalize,
        double balanceLoss,
        double zLoss,
        @JsonInclude(JsonInclude.Include.NON_DEFAULT) double capacityFactor)
        implements java.io.Serializable {
    public MoeConfig {
        check(experts >= 0, "moe.experts", experts, "0 (dense) or more");
        check(topK >= 1 && (experts == 0 || topK <= experts), "moe.top-k", topK, "between 1 and moe.experts");
        check(every >= 1, "moe.every", every, "1 or more");
        check(balanceLoss >= 0, "moe.balance-loss", balanceLoss, "0 or more");
        check(zLoss >= 0, "moe.z-loss", zLoss, "0 or more");
        check(
                capacityFactor >= 0 && capacityFactor < Double.POSITIVE_INFINITY,
                "moe.capacity-factor",
                capacityFactor,
                "0 (no limit) or a number above, such as 1.25");
    }

    /** Without a limit on what an expert takes. */
    public MoeConfig(int experts, int topK, int every, boolean renormalize, double balanceLoss, double zLoss) {
        this(experts, topK, every, renormalize, balanceLoss, zLoss, 0);
    }

    /** The same mixture with another number of experts. */
    public MoeConfig withExperts(int count) {
        return new MoeConfig(
                count, Math.min(topK, Math.max(count, 1)), every, renormalize, balanceLoss, zLoss, capacityFactor);
    }

    /**
     * The most assignments that one expert takes out of a training batch: ceil(capacityFactor * topK * tokens / experts),
     * to the decimal digits of the factor, but no more than {@code tokens}, since a token chooses an expert once.
     *
     * @param tokens of the batch, padding not counted
     */
    public int capacity(int tokens) {
        if (capacityFactor == 0) {
            return tokens;
        }
        return BigDecimal.valueOf(capacityFactor)
                .multiply(BigDecimal.valueOf((long) topK * tokens))
                .divide(BigDecimal.valueOf(experts), 0, RoundingMode.CEILING)
                .min(BigDecimal.valueOf(tokens))
                .intValueExact();
    }
}

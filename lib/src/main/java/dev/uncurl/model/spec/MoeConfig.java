package dev.uncurl.model.spec;

import static dev.uncurl.config.Check.check;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import dev.uncurl.config.Range;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The mixture of experts of a model.
 *
 * @param experts E, experts per MoE block; 0: every block is dense. If blocks differ, the largest number
 * @param topK k, experts per token
 * @param every distance between MoE blocks: with 2, blocks 1, 3, 5, ... have experts
 * @param renormalize whether the gates of the chosen experts are scaled to sum to one (for topK &gt; 1)
 * @param balanceLoss weight of E * sum_e f_e P_e, summed over MoE blocks
 * @param zLoss weight of mean(logsumexp(router logits)^2), summed over MoE blocks
 * @param capacityFactor maximal number of assignments per expert in training, relative to an even share (see
 *     {@link #capacity}); 0: no limit. Omitted from JSON if 0, so that the JSON of models of earlier releases, which had no
 *     capacity limit, is unchanged
 * @param byLayer experts and router of each MoE block, if blocks differ or a router is mapped. Empty, and omitted from JSON, in
 *     a uniform model. Not a setting: only pruning makes such models (see {@link ModelConfig#withMoeLayers})
 */
public record MoeConfig(
        int experts,
        int topK,
        int every,
        boolean renormalize,
        double balanceLoss,
        double zLoss,
        @JsonInclude(JsonInclude.Include.NON_DEFAULT) double capacityFactor,
        @JsonInclude(JsonInclude.Include.NON_EMPTY) SortedMap<Integer, MoeLayer> byLayer)
        implements java.io.Serializable {
    public MoeConfig {
        byLayer = Collections.unmodifiableSortedMap(new TreeMap<>(byLayer));
        Range.EXPERTS.check(experts);
        check(
                byLayer.isEmpty() || experts == mostExperts(byLayer),
                "moe.experts",
                experts,
                "the largest number of experts in moe.by-layer");
        int rows = byLayer.isEmpty() ? experts : mostRows(byLayer);
        Range.TOP_K.check(topK);
        check(experts == 0 || topK <= rows, "moe.top-k", topK, "between 1 and moe.experts");
        Range.EVERY.check(every);
        Range.BALANCE_LOSS.check(balanceLoss);
        Range.Z_LOSS.check(zLoss);
        Range.CAPACITY_FACTOR.check(capacityFactor);
    }

    /** A uniform mixture: every MoE block has the same number of experts. Settings can define only uniform mixtures. */
    @JsonCreator
    public MoeConfig(
            @JsonProperty("experts") int experts,
            @JsonProperty("top-k") int topK,
            @JsonProperty("every") int every,
            @JsonProperty("renormalize") boolean renormalize,
            @JsonProperty("balance-loss") double balanceLoss,
            @JsonProperty("z-loss") double zLoss,
            @JsonProperty("capacity-factor") double capacityFactor) {
        this(experts, topK, every, renormalize, balanceLoss, zLoss, capacityFactor, Collections.emptySortedMap());
    }

    /** A uniform mixture without a capacity limit. */
    public MoeConfig(int experts, int topK, int every, boolean renormalize, double balanceLoss, double zLoss) {
        this(experts, topK, every, renormalize, balanceLoss, zLoss, 0);
    }

    static int mostExperts(SortedMap<Integer, MoeLayer> byLayer) {
        return byLayer.values().stream().mapToInt(MoeLayer::experts).max().orElseThrow();
    }

    private static int mostRows(SortedMap<Integer, MoeLayer> byLayer) {
        return byLayer.values().stream().mapToInt(MoeLayer::routerRows).max().orElseThrow();
    }

    /** The same mixture with another number of experts in every MoE block. */
    public MoeConfig withExperts(int count) {
        return new MoeConfig(
                count, Math.min(topK, Math.max(count, 1)), every, renormalize, balanceLoss, zLoss, capacityFactor);
    }

    /** The same mixture with these experts and routers; for {@link ModelConfig#withMoeLayers}, which checks the blocks. */
    MoeConfig withLayers(SortedMap<Integer, MoeLayer> layers) {
        return new MoeConfig(
                mostExperts(layers),
                Math.min(topK, mostRows(layers)),
                every,
                renormalize,
                balanceLoss,
                zLoss,
                capacityFactor,
                layers);
    }

    /** Experts and router of block {@code layer}. @throws IllegalArgumentException if it has no experts */
    public MoeLayer layer(int layer) {
        MoeLayer own = byLayer.isEmpty() ? new MoeLayer(experts) : byLayer.get(layer);
        if (own == null) {
            throw new IllegalArgumentException(
                    "Block " + layer + " has no experts; the blocks with experts are " + byLayer.keySet());
        }
        return own;
    }

    /** Number of router rows that a token chooses in block {@code layer}: k, or as many as can be chosen if that is smaller. */
    public int choices(int layer) {
        return Math.min(topK, layer(layer).choosableRows());
    }

    /**
     * The maximal number of assignments of one training batch to one expert of block {@code layer}:
     * min(tokens, ceil(capacityFactor * choices * tokens / experts)), computed exactly with the decimal value of the factor.
     * An expert has at most one assignment per token.
     *
     * @param tokens number of tokens of the batch without padding
     */
    public int capacity(int layer, int tokens) {
        if (capacityFactor == 0) {
            return tokens;
        }
        return BigDecimal.valueOf(capacityFactor)
                .multiply(BigDecimal.valueOf((long) choices(layer) * tokens))
                .divide(BigDecimal.valueOf(layer(layer).experts()), 0, RoundingMode.CEILING)
                .min(BigDecimal.valueOf(tokens))
                .intValueExact();
    }
}

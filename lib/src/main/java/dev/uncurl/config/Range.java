package dev.uncurl.config;

import dev.uncurl.error.UserError;
import java.math.BigDecimal;

/**
 * The valid range of each numeric setting and command option. Values outside have no meaning or would overflow; whether
 * a model within these ranges fits the memory is checked elsewhere.
 */
public enum Range {
    LAYERS("layers", 1, 512),
    WIDTH("width", 1, 32_768),
    HEADS("heads", 1, 32_768),
    FEED_FORWARD("feed-forward", 1, 262_144),
    VOCABULARY("vocabulary", 2, 1_000_000),
    SEQUENCE_LENGTH("sequence-length", 2, 131_072),
    EXPERTS("moe.experts", 0, 16_384),
    TOP_K("moe.top-k", 1, 16_384),
    EVERY("moe.every", 1, 512),
    BALANCE_LOSS("moe.balance-loss", Ends.BOTH, 0, 1e6),
    Z_LOSS("moe.z-loss", Ends.BOTH, 0, 1e6),
    CAPACITY_FACTOR("moe.capacity-factor", Ends.BOTH, 0, 1e6),
    LAYER_EXPERTS("experts", 1, 16_384),

    TOKENS("train.tokens", 1, 1_000_000_000_000_000L),
    RANKS("train.ranks", 1, 4096),
    EXPERT_PARALLEL("train.expert-parallel", 1, 4096),
    BATCH("train.batch", 1, 65_536),
    MICRO_BATCH("train.micro-batch", 1, 65_536),
    METRICS_EVERY("train.metrics-every", 1, 10_000),
    CHECKSUM_EVERY("train.checksum-every", 0, Integer.MAX_VALUE),
    RESTARTS("train.restarts", 0, 1_000_000),
    STALL("train.stall", 1, 1_000_000),
    LEARNING_RATE("train.learning-rate", Ends.WITHOUT_LOWEST, 0, 1000),
    MINIMUM_LEARNING_RATE("train.minimum-learning-rate", Ends.BOTH, 0, 1000),
    WARMUP("train.warmup", Ends.BOTH, 0, 1),
    BETA1("train.beta1", Ends.WITHOUT_HIGHEST, 0, 1),
    BETA2("train.beta2", Ends.WITHOUT_HIGHEST, 0, 1),
    EPSILON("train.epsilon", Ends.WITHOUT_LOWEST, 0, 1),
    WEIGHT_DECAY("train.weight-decay", Ends.BOTH, 0, 1000),
    CLIP("train.clip", Ends.BOTH, 0, 1e9),
    SPIKE_FACTOR("train.spike-factor", Ends.BOTH, 0, 1e9),
    VALIDATION_EVERY("train.validation.every", 0, Integer.MAX_VALUE),
    VALIDATION_SEQUENCES("train.validation.sequences", 1, 1_000_000),
    CHECKPOINT_EVERY("train.checkpoint.every", 0, Integer.MAX_VALUE),
    CHECKPOINT_KEEP("train.checkpoint.keep", 1, 1_000_000),

    BLOCK_BYTES("block-bytes", 1, 1L << 40),
    VALIDATION_FRACTION("validation-fraction", Ends.BOTH, 0, 1),
    MAX_REJECTED("max-rejected", Ends.BOTH, 0, 1),
    MAX_DAMAGED_FILES("max-damaged-files", 0, Integer.MAX_VALUE),
    MINIMUM_CHARACTERS("filter.minimum-characters", 0, Integer.MAX_VALUE),
    MAXIMUM_CHARACTERS("filter.maximum-characters", 1, Integer.MAX_VALUE),
    MIXTURE_WEIGHT("mixtures.weights", Ends.BOTH, 0, 1e12),
    TASK_CAP("mixtures.task-cap", 1, Long.MAX_VALUE),

    EXPERT_PARALLEL_OPTION("--expert-parallel", 1, 4096),
    PARTITIONS_OPTION("--partitions", 1, 100_000),
    RANKS_OPTION("--ranks", 1, 4096),
    NETWORK_OPTION("--network-gbit", Ends.WITHOUT_LOWEST, 0, 1e6),
    GFLOPS_OPTION("--rank-gflops", Ends.WITHOUT_LOWEST, 0, 1e9),
    RANK_MEMORY_OPTION("--rank-memory", Ends.WITHOUT_LOWEST, 0, 1e6),
    MAX_REJECTED_OPTION("--max-rejected", Ends.BOTH, 0, 1),
    MAX_DAMAGED_FILES_OPTION("--max-damaged-files", 0, Integer.MAX_VALUE),
    TOKENS_OPTION("--tokens", 0, 1_000_000_000_000_000L),
    OUTPUTS_OPTION("--outputs", 0, 1_000_000_000_000_000L),
    LIMIT_OPTION("--limit", 0, Integer.MAX_VALUE),
    MARGIN_OPTION("--margin", Ends.BOTH, 0, 1000),
    LATENCY_BATCH_OPTION("--latency-batch", 1, 4096),
    LATENCY_LENGTH_OPTION("--latency-length", 1, 131_072),
    LATENCY_WARMUP_OPTION("--latency-warmup", 0, 100_000),
    LATENCY_REPEATS_OPTION("--latency-repeats", 1, 100_000),
    EXPERTS_OPTION("--experts", 1, 16_384),
    LAYERS_OPTION("--layers", 1, 16_384),
    MAX_CLUSTER_OPTION("--max-cluster", 0, 16_384),
    SQL_LIMIT("--limit", 0, 1_000_000_000);

    private enum Ends {
        BOTH,
        WITHOUT_LOWEST,
        WITHOUT_HIGHEST
    }

    private final String name;
    private final boolean whole;
    private final Ends ends;
    private final BigDecimal lowest;
    private final BigDecimal highest;

    /** Whole numbers. */
    Range(String name, long lowest, long highest) {
        this(name, true, Ends.BOTH, BigDecimal.valueOf(lowest), BigDecimal.valueOf(highest));
    }

    /** Real numbers. */
    Range(String name, Ends ends, double lowest, double highest) {
        this(name, false, ends, BigDecimal.valueOf(lowest), BigDecimal.valueOf(highest));
    }

    Range(String name, boolean whole, Ends ends, BigDecimal lowest, BigDecimal highest) {
        this.name = name;
        this.whole = whole;
        this.ends = ends;
        this.lowest = lowest;
        this.highest = highest;
    }

    /** @throws UserError (usage) with the range if the number is not in it */
    public void check(long value) {
        check(BigDecimal.valueOf(value), value);
    }

    /** @throws UserError (usage) with the range if the number is not in it or is NaN */
    public void check(double value) {
        check(Double.isFinite(value) ? BigDecimal.valueOf(value) : null, value);
    }

    private void check(BigDecimal value, Object shown) {
        if (value == null || value.compareTo(lowest) < 0 || value.compareTo(highest) > 0 || isLeftOut(value)) {
            throw UserError.usage(name + " = " + shown + " is not possible", "Set " + name + " to " + this + ".");
        }
    }

    private boolean isLeftOut(BigDecimal value) {
        return switch (ends) {
            case BOTH -> false;
            case WITHOUT_LOWEST -> value.compareTo(lowest) == 0;
            case WITHOUT_HIGHEST -> value.compareTo(highest) == 0;
        };
    }

    /** The range in words. */
    @Override
    public String toString() {
        String from = plain(lowest);
        String to = plain(highest);
        return (whole ? "a whole number " : "a number ")
                + switch (ends) {
                    case BOTH -> "from " + from + " to " + to;
                    case WITHOUT_LOWEST -> "above " + from + ", at most " + to;
                    case WITHOUT_HIGHEST -> "from " + from + " to below " + to;
                };
    }

    private static String plain(BigDecimal number) {
        return number.signum() == 0 ? "0" : number.stripTrailingZeros().toPlainString();
    }
}

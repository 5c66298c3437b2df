package dev.uncurl.jobs.evaluate;

import java.util.Arrays;

/** The metrics that are compared, by their names in evaluation.results: those that are sums over examples. */
enum ComparedMetric {
    ACC("acc", true),
    /** By the log-likelihood per character of a choice. */
    ACC_NORM("acc_norm", true),
    /** By the log-likelihood per byte of a choice. */
    ACC_BYTES("acc_bytes", true),
    /** By the log-likelihood per token of a choice. */
    ACC_TOKENS("acc_tokens", true),
    /** All examples of a question are answered with one of the right choices. */
    EM("em", true),
    LOSS("loss_per_token", false),
    TARGET_LOSS("target_loss_per_token", false);

    private final String id;
    private final boolean accuracy;

    ComparedMetric(String id, boolean accuracy) {
        this.id = id;
        this.accuracy = accuracy;
    }

    String id() {
        return id;
    }

    /** Whether each unit is right or wrong, and higher is better; otherwise it is a loss per token. */
    boolean isAccuracy() {
        return accuracy;
    }

    static ComparedMetric named(String id) {
        return Arrays.stream(values())
                .filter(metric -> metric.id.equals(id))
                .findFirst()
                .orElseThrow();
    }
}

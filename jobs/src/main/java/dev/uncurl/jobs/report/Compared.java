package dev.uncurl.jobs.report;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The columns of evaluation.comparisons that reports read: one metric of one subject beside the baseline. */
record Compared(
        String comparisonId,
        Instant createdAt,
        String task,
        String split,
        String data,
        String against,
        String subject,
        List<String> models,
        Optional<String> method,
        Optional<String> router,
        Optional<Integer> experts,
        String metric,
        long n,
        int seeds,
        double value,
        double difference,
        double low,
        double high,
        Optional<Double> pHolm,
        Optional<Double> detectable,
        double margin,
        Optional<Boolean> notWorse,
        Optional<String> letters,
        Optional<Double> valueLow,
        Optional<Double> valueHigh,
        Optional<List<String>> flags) {

    boolean isBaseline() {
        return subject.equals(against);
    }

    /** Losses and their kin; every other metric is a share of right answers. */
    static boolean lowerIsBetter(String metric) {
        return metric.contains("loss") || metric.contains("bits") || metric.contains("perplexity");
    }

    Verdict verdict() {
        if (low <= 0 && 0 <= high) {
            return Verdict.WITHIN_NOISE;
        }
        return difference > 0 == lowerIsBetter(metric) ? Verdict.WORSE : Verdict.BETTER;
    }

    /** How much worse the subject can be by the interval, in units of the metric; 0 if it excludes that it is worse. */
    double worstCase() {
        return Math.max(0, lowerIsBetter(metric) ? high : -low);
    }

    /** Whether the subject is worse by more than the margin: "yes" and "no" where the interval says so, else "open". */
    String worseByMoreThanTheMargin() {
        double leastWorse = lowerIsBetter(metric) ? low : -high;
        return notWorse.orElse(false) ? "no" : leastWorse > margin ? "yes" : "open";
    }

    boolean has(String flag) {
        return flags.orElse(List.of()).contains(flag);
    }

    String lettersOrNone() {
        return letters.orElse("");
    }

    /** The flags as a reader understands them. */
    String remarks() {
        return flags.orElse(List.of()).stream()
                .map(flag -> switch (flag) {
                    case "constant" -> "always the same answer";
                    case "below-majority" -> "below the majority line";
                    case "few-examples" -> "few examples";
                    default -> flag;
                })
                .collect(Collectors.joining(", "));
    }

    /** What was done, such as "random (mask, 3 seeds)". */
    String setting() {
        if (method.isEmpty()) {
            return isBaseline() ? "unpruned" : subject;
        }
        String details = Stream.of(
                        router.stream(),
                        subject.endsWith("-unaligned") ? Stream.of("unaligned") : Stream.<String>empty(),
                        seeds > 1 ? Stream.of(seeds + " seeds") : Stream.<String>empty())
                .flatMap(part -> part)
                .collect(Collectors.joining(", "));
        return method.get() + (details.isEmpty() ? "" : " (" + details + ")");
    }

    /** Unit of a difference of a metric, in words. */
    static String unit(String metric) {
        return metric.contains("bits") ? "bits per byte" : lowerIsBetter(metric) ? "nats per token" : "a share of 1";
    }

    /** This row with what its model's lineage says of the pruning, where the row itself does not say it. */
    Compared completed(Pruned origin) {
        return method.isPresent()
                ? this
                : new Compared(
                        comparisonId,
                        createdAt,
                        task,
                        split,
                        data,
                        against,
                        subject,
                        models,
                        origin.method(),
                        origin.router(),
                        origin.experts(),
                        metric,
                        n,
                        seeds,
                        value,
                        difference,
                        low,
                        high,
                        pHolm,
                        detectable,
                        margin,
                        notWorse,
                        letters,
                        valueLow,
                        valueHigh,
                        flags);
    }
}

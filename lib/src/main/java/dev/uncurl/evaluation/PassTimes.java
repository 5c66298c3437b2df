package dev.uncurl.evaluation;

import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Times of forward passes of one model at one setting.
 *
 * @param nanos of each timed pass, in the order in which they were run
 * @param partNanos nanoseconds by part of the model, over all timed passes
 */
public record PassTimes(long[] nanos, Map<String, Long> partNanos) implements Serializable {
    /** The time of a pass that is in no part of the model. */
    private static final String OTHER = "other";

    public PassTimes {
        if (nanos.length == 0) {
            throw new IllegalArgumentException("Times need at least one pass");
        }
        partNanos = new TreeMap<>(partNanos); // Map.copyOf has an order that differs from process to process
    }

    /** The passes of several processes as if one had run them. */
    public static PassTimes together(List<PassTimes> processes) {
        var parts = new TreeMap<String, Long>();
        processes.forEach(times -> times.partNanos.forEach((part, nanos) -> parts.merge(part, nanos, Long::sum)));
        return new PassTimes(
                processes.stream()
                        .flatMapToLong(times -> Arrays.stream(times.nanos))
                        .toArray(),
                parts);
    }

    /**
     * The quantile of the passes' times in milliseconds: linear interpolation between order statistics, with share 0 at the
     * smallest and 1 at the largest (type 7 of Hyndman and Fan, Sample Quantiles in Statistical Packages, 1996).
     *
     * @param share from 0 to 1
     */
    public double quantileMillis(double share) {
        long[] sorted = nanos.clone();
        Arrays.sort(sorted);
        double place = share * (sorted.length - 1);
        int below = (int) place;
        int above = Math.min(below + 1, sorted.length - 1);
        return (sorted[below] + (place - below) * (sorted[above] - sorted[below])) / 1e6;
    }

    /** Share of the time by part of the model; "other" is time that is in no part. The shares sum to 1. */
    public Map<String, Double> shares() {
        long passes = Arrays.stream(nanos).sum();
        long inParts = partNanos.values().stream().mapToLong(Long::longValue).sum();
        double total = Math.max(passes, inParts);
        var shares = new TreeMap<String, Double>();
        partNanos.forEach((part, spent) -> shares.put(part, total == 0 ? 0 : spent / total));
        shares.put(OTHER, total == 0 ? 1 : (total - inParts) / total);
        return shares;
    }
}

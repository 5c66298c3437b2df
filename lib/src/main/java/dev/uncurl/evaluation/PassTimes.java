package dev.uncurl.evaluation;

import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Times of forward passes of one model at one setting.
 *
 * @param nanos of each timed pass, in the order in which they were run
 * @param partNanos the same by part of the model
 */
public record PassTimes(long[] nanos, Map<String, long[]> partNanos) implements Serializable {
    /** The time of a pass that is in no part of the model. */
    private static final String OTHER = "other";

    public PassTimes {
        int passes = nanos.length;
        if (passes == 0 || partNanos.values().stream().anyMatch(part -> part.length != passes)) {
            throw new IllegalArgumentException("Times need at least one pass, and each part a time of each pass");
        }
        partNanos = new TreeMap<>(partNanos); // Map.copyOf has an order that differs from process to process
    }

    /** The passes of several processes as if one had run them. */
    public static PassTimes together(List<PassTimes> processes) {
        var parts = new TreeMap<String, long[]>();
        for (String part : processes.get(0).partNanos.keySet()) {
            parts.put(part, concatenated(processes.stream().map(times -> times.partNanos.get(part))));
        }
        return new PassTimes(concatenated(processes.stream().map(PassTimes::nanos)), parts);
    }

    private static long[] concatenated(Stream<long[]> arrays) {
        return arrays.flatMapToLong(Arrays::stream).toArray();
    }

    /** The quantile of the passes' times in milliseconds; see {@link #quantile}. */
    public double quantileMillis(double share) {
        return quantile(nanos, share) / 1e6;
    }

    /**
     * Linear interpolation between order statistics, with share 0 at the smallest and 1 at the largest value (type 7 of
     * Hyndman and Fan, Sample Quantiles in Statistical Packages, 1996).
     *
     * @param share from 0 to 1
     */
    static double quantile(long[] values, double share) {
        long[] sorted = values.clone();
        Arrays.sort(sorted);
        double place = share * (sorted.length - 1);
        int below = (int) place;
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
    }

    /**
     * Share of each part of the model: its median time over the sum of all medians, so that a pass which was interrupted
     * changes little. "other" is time that is in no part. The shares sum to 1.
     */
    public Map<String, Double> shares() {
        var medians = new TreeMap<String, Double>();
        partNanos.forEach((part, values) -> medians.put(part, quantile(values, 0.5)));
        medians.put(OTHER, quantile(outsideOfParts(), 0.5));
        double total =
                medians.values().stream().mapToDouble(Double::doubleValue).sum();
        if (total == 0) { // a clock too coarse to tell
            medians.put(OTHER, 1.0);
            return medians;
        }
        medians.replaceAll((part, median) -> median / total);
        return medians;
    }

    private long[] outsideOfParts() {
        return IntStream.range(0, nanos.length)
                .mapToLong(pass -> Math.max(
                        0,
                        nanos[pass]
                                - partNanos.values().stream()
                                        .mapToLong(values -> values[pass])
                                        .sum()))
                .toArray();
    }
}

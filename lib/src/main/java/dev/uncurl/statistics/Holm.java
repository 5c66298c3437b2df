package dev.uncurl.statistics;

import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Holm's step-down correction of p-values for several tests ("A simple sequentially rejective multiple test procedure",
 * Scandinavian Journal of Statistics 6, 1979): the chance that any true hypothesis is rejected stays below the level,
 * whatever the dependence of the tests.
 */
public final class Holm {
    private Holm() {}

    /** Adjusted p-values, in the order given: the k-th smallest of m times m - k + 1, at least those before it, at most 1. */
    public static double[] adjust(double[] pValues) {
        int m = pValues.length;
        int[] ascending = IntStream.range(0, m)
                .boxed()
                .sorted(Comparator.comparingDouble(test -> pValues[test]))
                .mapToInt(Integer::intValue)
                .toArray();
        double[] adjusted = new double[m];
        double highest = 0;
        for (int k = 0; k < m; k++) {
            highest = Math.max(highest, Math.min(1, (m - k) * pValues[ascending[k]]));
            adjusted[ascending[k]] = highest;
        }
        return adjusted;
    }
}

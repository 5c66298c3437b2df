package dev.uncurl.clustering;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * An order of the rows of a distance matrix that places similar rows next to each other: the leaves of the dendrogram
 * with average linkage, where each of two merged clusters is oriented so that their nearest ends are adjacent.
 */
public final class LeafOrder {
    private LeafOrder() {}

    /**
     * @param distances [n, n] symmetric, n is at least 1; not modified
     * @return the row numbers 0 to n - 1 in that order; the members of each merged cluster are contiguous
     */
    public static List<Integer> of(double[][] distances) {
        var clusters = new ArrayList<List<Integer>>();
        for (int i = 0; i < distances.length; i++) {
            clusters.add(List.of(i));
        }
        for (Dendrogram.Merge merge : Dendrogram.of(distances, Linkage.AVERAGE).merges()) {
            clusters.set(merge.into(), joined(clusters.get(merge.into()), clusters.get(merge.from()), distances));
        }
        return clusters.get(0);
    }

    private static List<Integer> joined(List<Integer> one, List<Integer> two, double[][] distances) {
        List<Integer> best = null;
        double gap = Double.POSITIVE_INFINITY;
        for (List<Integer> left : List.of(one, reversed(one))) {
            for (List<Integer> right : List.of(two, reversed(two))) {
                double meeting = distances[left.get(left.size() - 1)][right.get(0)];
                if (best == null || meeting < gap) {
                    best = new ArrayList<>(left);
                    best.addAll(right);
                    gap = meeting;
                }
            }
        }
        return best;
    }

    private static List<Integer> reversed(List<Integer> list) {
        var reversed = new ArrayList<>(list);
        Collections.reverse(reversed);
        return reversed;
    }
}

package dev.uncurl.routing;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;

/**
 * An order in which alike things stand beside each other, for the rows of a distance matrix: hierarchical clustering with
 * average linkage. The two clusters with the lowest mean distance between their members are joined (of equals those with
 * the lowest members), each turned so that the nearest of their ends meet, until one is left.
 */
public final class AverageLinkage {
    private AverageLinkage() {}

    /**
     * @param distances [n, n] symmetric, n at least 1; stays as it is
     * @return the numbers 0 to n - 1 in that order; every cluster that was ever joined stands in one piece
     */
    public static List<Integer> order(double[][] distances) {
        var clusters = new ArrayList<List<Integer>>();
        for (int i = 0; i < distances.length; i++) {
            clusters.add(List.of(i));
        }
        double[][] between = IntStream.range(0, distances.length)
                .mapToObj(i -> distances[i].clone())
                .toArray(double[][]::new);
        while (clusters.stream().filter(cluster -> cluster != null).count() > 1) {
            int[] pair = nearest(clusters, between);
            int a = pair[0];
            int b = pair[1];
            double sizeA = clusters.get(a).size();
            double sizeB = clusters.get(b).size();
            for (int c = 0; c < between.length; c++) {
                between[a][c] = (sizeA * between[a][c] + sizeB * between[b][c]) / (sizeA + sizeB);
                between[c][a] = between[a][c];
            }
            clusters.set(a, joined(clusters.get(a), clusters.get(b), distances));
            clusters.set(b, null);
        }
        return clusters.get(0);
    }

    private static int[] nearest(List<List<Integer>> clusters, double[][] between) {
        int[] nearest = null;
        for (int a = 0; a < between.length; a++) {
            for (int b = a + 1; b < between.length; b++) {
                boolean both = clusters.get(a) != null && clusters.get(b) != null;
                if (both && (nearest == null || between[a][b] < between[nearest[0]][nearest[1]])) {
                    nearest = new int[] {a, b};
                }
            }
        }
        return nearest;
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

package dev.uncurl.clustering;

import dev.uncurl.error.UserError;
import java.util.Arrays;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * DBSCAN (Ester, Kriegel, Sander and Xu 1996) with the radius chosen such that there are K clusters. A core has at
 * least m columns within the radius, including itself. Cores within the radius of each other belong to one cluster; any
 * other column joins the nearest core within the radius (the first if several are equally near). Each remaining column
 * (noise) forms a cluster of its own, which counts.
 *
 * <p>The radius is the smallest distance of two columns (or below all distances, for K = E) that gives K clusters with
 * m = {@value #MOST_NEIGHBOURS}; if there is none, m is decreased, down to 1. The number of clusters never increases
 * with the radius: cores and their connections remain, and a column that becomes a core joins a cluster or keeps its
 * own.
 */
public final class Dbscan {
    private static final int MOST_NEIGHBOURS = 4;

    private final double[][] squaredDistances;

    private Dbscan(double[][] squaredDistances) {
        this.squaredDistances = squaredDistances;
    }

    /**
     * See {@link Clusterer#cluster}.
     *
     * @throws UserError (input) if no radius gives K clusters, which can only occur if several distances are equal
     */
    public static int[] cluster(CanonicalGram columns, int clusters, long seed) {
        var dbscan = new Dbscan(columns.squaredDistances());
        double[] radii = dbscan.radii();
        var near = new TreeSet<Integer>();
        for (int neighbours = MOST_NEIGHBOURS; neighbours >= 1; neighbours--) {
            int low = 0;
            int high = radii.length - 1;
            while (low < high) {
                int middle = (low + high) / 2;
                if (count(dbscan.labels(radii[middle], neighbours)) <= clusters) {
                    high = middle;
                } else {
                    low = middle + 1;
                }
            }
            int[] labels = dbscan.labels(radii[low], neighbours);
            if (count(labels) == clusters) {
                return labels;
            }
            near.add(count(labels));
            near.add(count(dbscan.labels(radii[Math.max(0, low - 1)], neighbours)));
        }
        throw UserError.input(
                "dbscan finds no " + clusters + " clusters among these " + columns.count()
                        + " experts, because several of their distances are equal. Possible numbers: " + near,
                "Choose one of these numbers, or another method.");
    }

    /** The squared radii to try: one below every distance, then each distinct distance, ascending. */
    private double[] radii() {
        int count = squaredDistances.length;
        double[] distances = IntStream.range(0, count)
                .boxed()
                .flatMapToDouble(i -> Arrays.stream(squaredDistances[i], 0, i))
                .sorted()
                .distinct()
                .toArray();
        double[] radii = new double[distances.length + 1];
        radii[0] = -1;
        System.arraycopy(distances, 0, radii, 1, distances.length);
        return radii;
    }

    private static int count(int[] labels) {
        return Arrays.stream(labels).max().orElseThrow() + 1;
    }

    private int[] labels(double radius, int neighbours) {
        int count = squaredDistances.length;
        boolean[] cores = new boolean[count];
        for (int i = 0; i < count; i++) {
            int within = 1;
            for (int j = 0; j < count; j++) {
                within += j != i && squaredDistances[i][j] <= radius ? 1 : 0;
            }
            cores[i] = within >= neighbours;
        }
        int[] labels = IntStream.range(0, count).toArray();
        boolean[] visited = new boolean[count];
        for (int i = 0; i < count; i++) {
            if (cores[i] && !visited[i]) {
                connect(i, radius, cores, visited, labels);
            }
        }
        for (int i = 0; i < count; i++) {
            if (!cores[i]) {
                int nearest = nearestCore(i, radius, cores);
                labels[i] = nearest < 0 ? i : labels[nearest];
            }
        }
        return Labels.canonical(labels);
    }

    /** Labels all cores that can be reached from {@code start}. */
    private void connect(int start, double radius, boolean[] cores, boolean[] visited, int[] labels) {
        int[] queue = new int[labels.length];
        int end = 0;
        queue[end++] = start;
        visited[start] = true;
        for (int next = 0; next < end; next++) {
            for (int j = 0; j < labels.length; j++) {
                if (cores[j] && !visited[j] && squaredDistances[queue[next]][j] <= radius) {
                    visited[j] = true;
                    labels[j] = start;
                    queue[end++] = j;
                }
            }
        }
    }

    private int nearestCore(int i, double radius, boolean[] cores) {
        int nearest = -1;
        for (int j = 0; j < cores.length; j++) {
            boolean reached = cores[j] && squaredDistances[i][j] <= radius;
            if (reached && (nearest < 0 || squaredDistances[i][j] < squaredDistances[i][nearest])) {
                nearest = j;
            }
        }
        return nearest;
    }
}

package dev.uncurl.clustering;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * Lloyd's k-means, computed from G = H^T H alone (see {@link dev.uncurl.routing.RouterGram} for the distances):
 * k-means++ seeding, {@value #RESTARTS} restarts, the lowest inertia, exactly K non-empty clusters.
 *
 * <p>A tie leaves the column in its cluster, or assigns it to the first seed in the order of {@link CanonicalGram},
 * which the random draws use too. Among restarts of equal inertia the first wins. A cluster that loses all members
 * receives the column farthest from its own mean.
 */
public final class KMeans {
    static final int RESTARTS = 32;
    private static final int MOST_ITERATIONS = 300;

    /** @param inertia sum over columns of the squared distance to the mean of their cluster */
    private record Clustering(int[] labels, double inertia) {}

    private final int experts;
    private final int clusters;
    private final CanonicalGram columns;

    private KMeans(CanonicalGram columns, int clusters) {
        this.columns = columns;
        this.experts = columns.count();
        this.clusters = clusters;
    }

    /** See {@link Clusterer#cluster}. */
    public static int[] cluster(CanonicalGram columns, int clusters, long seed) {
        var kmeans = new KMeans(columns, clusters);
        Clustering best = null;
        for (int restart = 0; restart < RESTARTS; restart++) {
            int[] seeds = kmeans.seeds(new Random(Seeds.mix(seed, restart)));
            Clustering found = kmeans.lloyd(seeds);
            if (best == null || found.inertia < best.inertia) {
                best = found;
            }
        }
        return best.labels;
    }

    /** k-means++: each next seed is drawn with probability proportional to its squared distance to the nearest seed. */
    private int[] seeds(Random random) {
        int[] seeds = new int[clusters];
        double[] nearest = new double[experts];
        Arrays.fill(nearest, Double.POSITIVE_INFINITY);
        int next = (int) (random.nextDouble() * experts);
        for (int c = 0; c < clusters; c++) {
            seeds[c] = next;
            double total = 0;
            for (int i = 0; i < experts; i++) {
                double distance = at(i, i) - 2 * at(i, next) + at(next, next);
                nearest[i] = Math.min(nearest[i], i == next ? 0 : Math.max(0, distance));
                total += nearest[i];
            }
            next = draw(nearest, total * random.nextDouble(), Arrays.copyOf(seeds, c + 1));
        }
        Arrays.sort(seeds);
        return seeds;
    }

    private int draw(double[] mass, double target, int[] taken) {
        double sum = 0;
        int last = -1;
        for (int i = 0; i < experts; i++) {
            sum += mass[i];
            if (mass[i] > 0) {
                last = i;
                if (sum > target) {
                    return i;
                }
            }
        }
        // rounding may leave the sum below the target; without any mass all others equal a seed
        return last >= 0
                ? last
                : IntStream.range(0, experts)
                        .filter(i -> IntStream.of(taken).noneMatch(seed -> seed == i))
                        .findFirst()
                        .orElse(0);
    }

    private Clustering lloyd(int[] seeds) {
        int[] labels = new int[experts];
        for (int i = 0; i < experts; i++) {
            double nearest = Double.POSITIVE_INFINITY;
            for (int c = 0; c < clusters; c++) {
                int seed = seeds[c];
                double distance = i == seed ? -1 : Math.max(0, at(i, i) - 2 * at(i, seed) + at(seed, seed));
                if (distance < nearest) {
                    nearest = distance;
                    labels[i] = c;
                }
            }
        }
        double[] distances = new double[experts];
        boolean moved = true;
        for (int iteration = 0; moved && iteration < MOST_ITERATIONS; iteration++) {
            moved = reassign(labels, distances);
        }
        return new Clustering(labels, inertia(labels));
    }

    /** Assigns every expert to the nearest mean of the given clusters. @return whether an expert changed its cluster */
    private boolean reassign(int[] labels, double[] distances) {
        Means means = means(labels);
        boolean moved = false;
        int[] sizes = new int[clusters];
        for (int i = 0; i < experts; i++) {
            int label = labels[i];
            double nearest = means.distance(i, label);
            for (int c = 0; c < clusters; c++) {
                double distance = means.distance(i, c);
                if (distance < nearest) {
                    nearest = distance;
                    label = c;
                }
            }
            moved |= label != labels[i];
            labels[i] = label;
            distances[i] = nearest;
            sizes[label]++;
        }
        for (int c = 0; c < clusters; c++) {
            if (sizes[c] == 0) {
                int farthest = farthest(labels, sizes, distances);
                sizes[labels[farthest]]--;
                sizes[c]++;
                labels[farthest] = c;
                distances[farthest] = 0;
                moved = true;
            }
        }
        return moved;
    }

    private int farthest(int[] labels, int[] sizes, double[] distances) {
        int farthest = -1;
        for (int i = 0; i < experts; i++) {
            if (sizes[labels[i]] > 1 && (farthest < 0 || distances[i] > distances[farthest])) {
                farthest = i;
            }
        }
        return farthest;
    }

    private double inertia(int[] labels) {
        Means means = means(labels);
        double inertia = 0;
        for (int i = 0; i < experts; i++) {
            inertia += means.distance(i, labels[i]);
        }
        return inertia;
    }

    /** cross [E, K]: sum of G_ij over the members j of a cluster; within [K]: sum of G_jl over pairs of members. */
    private record Means(KMeans owner, double[] cross, double[] within, int[] sizes) {
        double distance(int i, int c) {
            double size = sizes[c];
            double distance = owner.at(i, i) - 2 / size * cross[i * owner.clusters + c] + within[c] / (size * size);
            return Math.max(0, distance);
        }
    }

    private Means means(int[] labels) {
        var means = new Means(this, new double[experts * clusters], new double[clusters], new int[clusters]);
        for (int i = 0; i < experts; i++) {
            means.sizes[labels[i]]++;
            for (int j = 0; j < experts; j++) {
                means.cross[i * clusters + labels[j]] += at(i, j);
            }
        }
        for (int i = 0; i < experts; i++) {
            means.within[labels[i]] += means.cross[i * clusters + labels[i]];
        }
        return means;
    }

    private double at(int i, int j) {
        return columns.at(i, j);
    }
}

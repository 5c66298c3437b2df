package dev.uncurl.jobs.prune;

import dev.uncurl.clustering.Seeds;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** k-means by its definition over points, with the seeds of the library's. */
public final class NaiveKMeans {
    private NaiveKMeans() {}

    /**
     * The best of 32 restarts.
     *
     * @param points [E, N]
     * @return the cluster of each
     */
    static int[] assignClusters(double[][] points, int clusters, long seed) {
        int[] best = null;
        double lowest = Double.POSITIVE_INFINITY;
        for (int restart = 0; restart < 32; restart++) {
            double[][] means = plusPlus(points, clusters, new Random(Seeds.mix(seed, restart)));
            int[] labels = new int[points.length];
            double inertia = 0;
            for (int iteration = 0; iteration < 100; iteration++) {
                inertia = 0;
                for (int i = 0; i < points.length; i++) {
                    for (int c = 0; c < clusters; c++) {
                        labels[i] = squared(points[i], means[c]) < squared(points[i], means[labels[i]]) ? c : labels[i];
                    }
                    inertia += squared(points[i], means[labels[i]]);
                }
                for (int c = 0; c < clusters; c++) {
                    means[c] = mean(points, labels, c);
                }
            }
            if (inertia < lowest * (1 - 1e-12)) {
                lowest = inertia;
                best = labels;
            }
        }
        return best;
    }

    private static double[][] plusPlus(double[][] points, int clusters, Random random) {
        var seeds = new ArrayList<Integer>(List.of((int) (random.nextDouble() * points.length)));
        while (seeds.size() < clusters) {
            double[] nearest = Arrays.stream(points)
                    .mapToDouble(point -> seeds.stream()
                            .mapToDouble(seed -> squared(point, points[seed]))
                            .min()
                            .orElseThrow())
                    .toArray();
            double target = Arrays.stream(nearest).sum() * random.nextDouble();
            int next = 0;
            for (double sum = nearest[0]; sum <= target; sum += nearest[next]) {
                next++;
            }
            seeds.add(next);
        }
        return seeds.stream().sorted().map(seed -> points[seed].clone()).toArray(double[][]::new);
    }

    private static double squared(double[] a, double[] b) {
        double sum = 0;
        for (int t = 0; t < a.length; t++) {
            sum += (a[t] - b[t]) * (a[t] - b[t]);
        }
        return sum;
    }

    private static double[] mean(double[][] points, int[] labels, int cluster) {
        double[] mean = new double[points[0].length];
        int size = 0;
        for (int i = 0; i < points.length; i++) {
            for (int t = 0; labels[i] == cluster && t < mean.length; t++) {
                mean[t] += points[i][t];
            }
            size += labels[i] == cluster ? 1 : 0;
        }
        for (int t = 0; t < mean.length; t++) {
            mean[t] /= size;
        }
        return mean;
    }
}

package dev.uncurl.clustering;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** k-means by its definition over points, with the random draws of {@link KMeans}. */
public final class NaiveKMeans {
    private NaiveKMeans() {}

    /**
     * @param points [E, N]
     * @return the cluster of each point
     */
    public static int[] assignClusters(double[][] points, int clusters, long seed) {
        int[] best = null;
        double lowest = Double.POSITIVE_INFINITY;
        for (int restart = 0; restart < KMeans.RESTARTS; restart++) {
            double[][] means = seeds(points, clusters, new Random(Seeds.mix(seed, restart)));
            int[] labels = new int[points.length];
            boolean moved = true;
            for (int iteration = 0; iteration < 300 && moved; iteration++) {
                moved = iteration == 0;
                for (int i = 0; i < labels.length; i++) {
                    for (int c = 0; c < clusters; c++) {
                        if (squaredDistance(points[i], means[c]) < squaredDistance(points[i], means[labels[i]])) {
                            labels[i] = c;
                            moved = true;
                        }
                    }
                }
                for (int c = 0; c < clusters; c++) {
                    means[c] = mean(points, labels, c);
                }
            }
            double inertia = 0;
            for (int i = 0; i < labels.length; i++) {
                inertia += squaredDistance(points[i], means[labels[i]]);
            }
            if (inertia < lowest * (1 - 1e-12)) {
                lowest = inertia;
                best = labels;
            }
        }
        return best;
    }

    private static double[][] seeds(double[][] points, int clusters, Random random) {
        List<Integer> seeds = new ArrayList<>(List.of((int) (random.nextDouble() * points.length)));
        while (seeds.size() < clusters) {
            double[] mass = new double[points.length];
            for (int i = 0; i < mass.length; i++) {
                double[] point = points[i];
                mass[i] = seeds.stream()
                        .mapToDouble(seed -> squaredDistance(point, points[seed]))
                        .min()
                        .orElseThrow();
            }
            double target = Arrays.stream(mass).sum() * random.nextDouble();
            int next = 0;
            for (double sum = mass[0]; sum <= target; sum += mass[next]) {
                next++;
            }
            seeds.add(next);
        }
        return seeds.stream().sorted().map(seed -> points[seed].clone()).toArray(double[][]::new);
    }

    static double squaredDistance(double[] a, double[] b) {
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
            if (labels[i] == cluster) {
                size++;
                for (int t = 0; t < mean.length; t++) {
                    mean[t] += points[i][t];
                }
            }
        }
        for (int t = 0; t < mean.length; t++) {
            mean[t] /= size;
        }
        return mean;
    }
}

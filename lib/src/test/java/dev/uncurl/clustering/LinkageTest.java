package dev.uncurl.clustering;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class LinkageTest {
    /** The distance of two clusters of points by its definition. */
    private static double distance(Linkage linkage, double[][] points, Set<Integer> a, Set<Integer> b) {
        double[] pairs = a.stream()
                .flatMap(i -> b.stream().map(j -> Math.sqrt(NaiveKMeans.squaredDistance(points[i], points[j]))))
                .mapToDouble(Double::doubleValue)
                .toArray();
        return switch (linkage) {
            case AVERAGE -> Arrays.stream(pairs).average().orElseThrow();
            case COMPLETE -> Arrays.stream(pairs).max().orElseThrow();
            case SINGLE -> Arrays.stream(pairs).min().orElseThrow();
            case WARD -> {
                var both = new HashSet<>(a);
                both.addAll(b);
                yield 2 * (inertia(points, both) - inertia(points, a) - inertia(points, b));
            }
        };
    }

    private static double inertia(double[][] points, Set<Integer> cluster) {
        double[] mean = new double[points[0].length];
        for (int i : cluster) {
            for (int d = 0; d < mean.length; d++) {
                mean[d] += points[i][d] / cluster.size();
            }
        }
        return cluster.stream()
                .mapToDouble(i -> NaiveKMeans.squaredDistance(points[i], mean))
                .sum();
    }

    @Property(tries = 120)
    void clustersAndHeightsAreThoseOfTheDefinition(
            @ForAll Linkage linkage, @ForAll long seed, @ForAll @IntRange(min = 1, max = 14) int experts) {
        float[] logits = LogitSamples.logits(new Random(seed), 20, experts, 4);
        CanonicalGram columns = CanonicalGram.of(LogitSamples.gram(logits, experts));
        double[][] points = LogitSamples.points(logits, columns);
        List<Set<Integer>> clusters = new ArrayList<>(IntStream.range(0, experts)
                .<Set<Integer>>mapToObj(i -> new TreeSet<>(Set.of(i)))
                .toList());
        Dendrogram dendrogram = linkage.dendrogram(columns);
        for (Dendrogram.Merge merge : dendrogram.merges()) {
            double lowest = Double.POSITIVE_INFINITY;
            Set<Integer> one = null;
            Set<Integer> two = null;
            for (int a = 0; a < clusters.size(); a++) {
                for (int b = 0; b < a; b++) {
                    double distance = distance(linkage, points, clusters.get(a), clusters.get(b));
                    if (distance < lowest) {
                        lowest = distance;
                        one = clusters.get(a);
                        two = clusters.get(b);
                    }
                }
            }
            assertThat(merge.height()).isCloseTo(lowest, within(1e-6 * lowest + 1e-9));
            one.addAll(two);
            Set<Integer> joined = two;
            clusters.removeIf(cluster -> cluster == joined);
            int[] labels = dendrogram.labels(clusters.size());
            for (Set<Integer> cluster : clusters) {
                int label = labels[cluster.iterator().next()];
                assertThat(IntStream.range(0, experts)
                                .filter(i -> labels[i] == label)
                                .boxed())
                        .containsExactlyElementsOf(new TreeSet<>(cluster));
            }
        }
        assertThat(clusters).hasSize(1);
    }
}

package dev.uncurl.clustering;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class LeafOrderTest {
    @Property(tries = 50)
    void everyClusterOfTheNaiveAlgorithmStandsInOnePiece(
            @ForAll long seed, @ForAll @IntRange(min = 1, max = 12) int size) {
        var random = new Random(seed);
        double[][] points = new double[size][3];
        for (double[] point : points) {
            Arrays.setAll(point, i -> random.nextGaussian());
        }
        double[][] distances = distances(points);
        List<Integer> order = LeafOrder.of(distances);
        assertThat(order)
                .containsExactlyInAnyOrderElementsOf(
                        IntStream.range(0, size).boxed().toList());
        for (Set<Integer> cluster : naiveClusters(distances)) {
            List<Integer> places = cluster.stream().map(order::indexOf).toList();
            assertThat(Collections.max(places) - Collections.min(places)).isEqualTo(cluster.size() - 1);
        }
    }

    /** Every cluster that average linkage makes, with the means taken over all pairs anew each time. */
    private static List<Set<Integer>> naiveClusters(double[][] distances) {
        var made = new ArrayList<Set<Integer>>();
        List<Set<Integer>> clusters =
                IntStream.range(0, distances.length).mapToObj(Set::of).collect(Collectors.toCollection(ArrayList::new));
        while (clusters.size() > 1) {
            Set<Integer> one = null;
            Set<Integer> two = null;
            double lowest = Double.POSITIVE_INFINITY;
            for (Set<Integer> a : clusters) {
                for (Set<Integer> b : clusters) {
                    double mean = a.stream()
                            .flatMap(i -> b.stream().map(j -> distances[i][j]))
                            .mapToDouble(Double::doubleValue)
                            .average()
                            .orElseThrow();
                    if (a != b && mean < lowest) {
                        one = a;
                        two = b;
                        lowest = mean;
                    }
                }
            }
            var joined = new HashSet<>(one);
            joined.addAll(two);
            clusters.remove(one);
            clusters.remove(two);
            clusters.add(joined);
            made.add(joined);
        }
        return made;
    }

    @Property(tries = 50)
    void pointsOnALineComeOutInTheirOrder(@ForAll long seed, @ForAll @IntRange(min = 1, max = 20) int size) {
        var random = new Random(seed);
        double[][] points = new double[size][1];
        for (double[] point : points) {
            point[0] = random.nextGaussian();
        }
        List<Double> ordered =
                LeafOrder.of(distances(points)).stream().map(i -> points[i][0]).toList();
        List<Double> sorted = ordered.stream().sorted().toList();
        var backwards = new ArrayList<>(sorted);
        Collections.reverse(backwards);
        assertThat(ordered).isIn(sorted, backwards);
    }

    private static double[][] distances(double[][] points) {
        double[][] distances = new double[points.length][points.length];
        for (int i = 0; i < points.length; i++) {
            for (int j = 0; j < points.length; j++) {
                double sum = 0;
                for (int d = 0; d < points[i].length; d++) {
                    sum += Math.pow(points[i][d] - points[j][d], 2);
                }
                distances[i][j] = Math.sqrt(sum);
            }
        }
        return distances;
    }
}

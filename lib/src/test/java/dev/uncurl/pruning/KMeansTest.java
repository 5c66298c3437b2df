package dev.uncurl.pruning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.error.Refusal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class KMeansTest {
    /** k-means by its definition, over the raw columns of H in the given order, with the same draws. */
    private static int[] naive(float[] logits, int experts, int clusters, long seed, int[] order) {
        int tokens = logits.length / experts;
        double[][] points = new double[experts][tokens];
        for (int i = 0; i < experts; i++) {
            for (int t = 0; t < tokens; t++) {
                points[i][t] = logits[t * experts + order[i]];
            }
        }
        int[] best = null;
        double lowest = Double.POSITIVE_INFINITY;
        for (int restart = 0; restart < KMeans.RESTARTS; restart++) {
            double[][] means = naiveSeeds(points, clusters, new Random(Seeds.mix(seed, restart)));
            int[] labels = new int[experts];
            for (int iteration = 0; iteration < 300; iteration++) {
                for (int i = 0; i < experts; i++) {
                    for (int c = 0; c < clusters; c++) {
                        if (distance(points[i], means[c]) < distance(points[i], means[labels[i]])) {
                            labels[i] = c;
                        }
                    }
                }
                for (int c = 0; c < clusters; c++) {
                    means[c] = mean(points, labels, c);
                }
            }
            double inertia = 0;
            for (int i = 0; i < experts; i++) {
                inertia += distance(points[i], means[labels[i]]);
            }
            if (inertia < lowest * (1 - 1e-12)) {
                lowest = inertia;
                best = labels;
            }
        }
        int[] labels = new int[experts];
        for (int i = 0; i < experts; i++) {
            labels[order[i]] = best[i];
        }
        return LayerPlan.canonical(labels);
    }

    private static double[][] naiveSeeds(double[][] points, int clusters, Random random) {
        List<Integer> seeds = new ArrayList<>(List.of((int) (random.nextDouble() * points.length)));
        while (seeds.size() < clusters) {
            double[] mass = new double[points.length];
            for (int i = 0; i < mass.length; i++) {
                double[] point = points[i];
                mass[i] = seeds.stream()
                        .mapToDouble(seed -> distance(point, points[seed]))
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

    private static double distance(double[] a, double[] b) {
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

    @Property(tries = 60)
    void labelsAreThoseOfKMeansOverTheRawLogits(
            @ForAll long seed,
            @ForAll @IntRange(min = 2, max = 16) int experts,
            @ForAll @IntRange(min = 1, max = 16) int wanted,
            @ForAll @IntRange(min = 1, max = 6) int groups) {
        int clusters = Math.min(wanted, experts);
        float[] logits = Samples.logits(new Random(seed), 60, experts, groups);
        var gram = Samples.gram(logits, experts);
        var clustering = KMeans.cluster(gram, clusters, seed);
        assertThat(clustering.labels()).isEqualTo(naive(logits, experts, clusters, seed, KMeans.contentOrder(gram)));
    }

    @Property(tries = 60)
    void relabellingTheExpertsRelabelsTheResult(
            @ForAll long seed,
            @ForAll @IntRange(min = 2, max = 20) int experts,
            @ForAll @IntRange(min = 1, max = 20) int wanted) {
        int clusters = Math.min(wanted, experts);
        var random = new Random(seed);
        float[] logits = Samples.logits(random, 30, experts, 5);
        int[] permutation = Samples.permutation(random, experts);
        float[] relabelled = new float[logits.length];
        for (int i = 0; i < logits.length; i++) {
            int token = i / experts * experts;
            relabelled[i] = logits[token + permutation[i % experts]];
        }
        var before = KMeans.cluster(Samples.gram(logits, experts), clusters, 3);
        var after = KMeans.cluster(Samples.gram(relabelled, experts), clusters, 3);
        int[] expected = IntStream.of(permutation).map(e -> before.labels()[e]).toArray();
        assertThat(after.labels()).isEqualTo(LayerPlan.canonical(expected));
        assertThat(after.inertia()).isEqualTo(before.inertia());
    }

    @Property(tries = 30)
    void theOrderOfTheRowsDoesNotMatter(@ForAll long seed) {
        var random = new Random(seed);
        int experts = 12;
        float[] logits = Samples.logits(random, 40, experts, 4);
        int[] order = Samples.permutation(random, 40);
        float[] shuffled = new float[logits.length];
        for (int t = 0; t < 40; t++) {
            System.arraycopy(logits, order[t] * experts, shuffled, t * experts, experts);
        }
        assertThat(KMeans.cluster(Samples.gram(shuffled, experts), 4, 9).labels())
                .isEqualTo(KMeans.cluster(Samples.gram(logits, experts), 4, 9).labels());
    }

    @Property(tries = 60)
    void thereAreExactlyKClustersEvenAmongDuplicates(
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 12) int experts,
            @ForAll @IntRange(min = 1, max = 12) int wanted,
            @ForAll @IntRange(min = 1, max = 3) int distinct) {
        int clusters = Math.min(wanted, experts);
        var random = new Random(seed);
        float[] logits = new float[10 * experts];
        for (int t = 0; t < 10; t++) {
            float[] values = Samples.floats(random, distinct, 1);
            for (int e = 0; e < experts; e++) {
                logits[t * experts + e] = values[e % distinct];
            }
        }
        var clustering = KMeans.cluster(Samples.gram(logits, experts), clusters, seed);
        assertThat(IntStream.of(clustering.labels()).distinct().toArray())
                .isEqualTo(IntStream.range(0, clusters).toArray());
        if (clusters >= Math.min(distinct, experts)) {
            assertThat(clustering.inertia()).isCloseTo(0, within(1e-9));
        }
    }

    @Test
    void plantedClustersAreFoundAndKEqualEIsTheIdentity() {
        float[] logits = Samples.logits(new Random(4), 200, 32, 8);
        var gram = Samples.gram(logits, 32);
        assertThat(KMeans.cluster(gram, 8, 1).labels())
                .isEqualTo(IntStream.range(0, 32).map(e -> e % 8).toArray());
        assertThat(KMeans.cluster(gram, 32, 1).labels())
                .isEqualTo(IntStream.range(0, 32).toArray());
        assertThat(KMeans.cluster(gram, 1, 1).labels()).containsOnly(0);
    }

    @Test
    void aKThatIsNotBetweenOneAndEIsRefused() {
        var gram = Samples.gram(new float[] {1, 2, 3}, 3);
        for (int clusters : new int[] {-1, 0, 4}) {
            assertThatThrownBy(() -> KMeans.cluster(gram, clusters, 0))
                    .isInstanceOf(Refusal.class)
                    .hasMessageContaining("K = " + clusters)
                    .hasMessageContaining("E = 3");
        }
    }
}

package dev.uncurl.pruning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class LayerScoreTest {
    private static double[] column(float[] logits, int experts, int expert) {
        return IntStream.range(0, logits.length / experts)
                .mapToDouble(t -> logits[t * experts + expert])
                .toArray();
    }

    private static double squaredDistance(double[] a, double[] b) {
        return IntStream.range(0, a.length)
                .mapToDouble(t -> (a[t] - b[t]) * (a[t] - b[t]))
                .sum();
    }

    private static double[] mean(double[][] columns, double[] weights) {
        double[] mean = new double[columns[0].length];
        double all = 0;
        for (int e = 0; e < columns.length; e++) {
            all += weights[e];
            for (int t = 0; t < mean.length; t++) {
                mean[t] += weights[e] * columns[e][t];
            }
        }
        for (int t = 0; t < mean.length; t++) {
            mean[t] /= all;
        }
        return mean;
    }

    @Property(tries = 200)
    void scoresAreThoseOfTheRawColumns(
            @ForAll BuiltInMethods method,
            @ForAll MergeWeights weights,
            @ForAll long seed,
            @ForAll @IntRange(min = 2, max = 10) int experts,
            @ForAll @IntRange(min = 1, max = 10) int wanted) {
        int keep = Math.min(wanted, experts);
        var random = new Random(seed);
        float[] logits = Samples.logits(random, 20, experts, 3);
        LayerStatistics evidence = Samples.complete(
                1, logits, Samples.floats(random, 6 * experts, 1), Samples.permutation(random, experts));
        List<ExpertAssignment> rows = LayerPlan.rows(evidence, method.assignClusters(evidence, keep, seed), weights);
        LayerScore score = LayerScore.of(evidence, rows);
        double[][] columns = IntStream.range(0, experts)
                .mapToObj(e -> column(logits, experts, e))
                .toArray(double[][]::new);
        double[] choices = IntStream.range(0, experts)
                .mapToDouble(e -> evidence.statistics().choices(e))
                .toArray();
        double inertia = 0;
        double moved = 0;
        double spread = 0;
        for (int e = 0; e < experts; e++) {
            double[] own = columns[e];
            spread += choices[e] * squaredDistance(own, mean(columns, choices));
            int cluster = rows.get(e).cluster();
            if (cluster < 0) {
                moved += choices[e]
                        * rows.stream()
                                .filter(row -> !row.isDropped())
                                .mapToDouble(row -> squaredDistance(own, columns[row.expert()]))
                                .min()
                                .orElseThrow();
            } else {
                double[] ones = rows.stream()
                        .mapToDouble(row -> row.cluster() == cluster ? 1 : 0)
                        .toArray();
                double[] shares = rows.stream()
                        .mapToDouble(row -> row.cluster() == cluster ? row.weight() : 0)
                        .toArray();
                inertia += squaredDistance(own, mean(columns, ones));
                moved += choices[e] * squaredDistance(own, mean(columns, shares));
            }
        }
        assertThat(score.clusters()).isEqualTo(keep);
        assertThat(score.experts()).isEqualTo(experts);
        assertThat(score.inertia()).isCloseTo(inertia, within(1e-6 * (1 + inertia)));
        assertThat(score.cost()).isCloseTo(moved / spread, within(1e-6));
        assertThat(score.silhouette().isPresent()).isEqualTo(keep > 1);
        if (keep > 1) {
            assertThat(score.silhouette().getAsDouble()).isCloseTo(silhouette(columns, rows, keep), within(1e-6));
        }
    }

    private static double silhouette(double[][] columns, List<ExpertAssignment> rows, int clusters) {
        double sum = 0;
        int count = 0;
        for (ExpertAssignment row : rows) {
            if (row.isDropped()) {
                continue;
            }
            double[] means = new double[clusters];
            int[] sizes = new int[clusters];
            for (ExpertAssignment other : rows) {
                if (!other.isDropped() && other != row) {
                    means[other.cluster()] +=
                            Math.sqrt(squaredDistance(columns[row.expert()], columns[other.expert()]));
                    sizes[other.cluster()]++;
                }
            }
            double b = IntStream.range(0, clusters)
                    .filter(c -> c != row.cluster())
                    .mapToDouble(c -> means[c] / sizes[c])
                    .min()
                    .orElseThrow();
            double a = means[row.cluster()] / sizes[row.cluster()];
            sum += sizes[row.cluster()] == 0 ? 0 : (b - a) / Math.max(a, b);
            count++;
        }
        return sum / count;
    }

    @Test
    void nothingMergedCostsNothingAndOneClusterCostsAll() {
        LayerStatistics evidence = Samples.complete(1, 5, 9);
        var all = BuiltInMethods.KMEANS.assignClusters(evidence, 9, 1);
        assertThat(LayerScore.of(evidence, LayerPlan.rows(evidence, all, MergeWeights.FREQUENCY)))
                .returns(0.0, LayerScore::cost)
                .returns(0.0, LayerScore::inertia);
        var one = BuiltInMethods.KMEANS.assignClusters(evidence, 1, 1);
        LayerScore score = LayerScore.of(evidence, LayerPlan.rows(evidence, one, MergeWeights.FREQUENCY));
        assertThat(score.cost()).isCloseTo(1, within(1e-12));
        assertThat(score.silhouette()).isEmpty();
    }

    @Test
    void withoutActivationsNothingIsLost() {
        var gram = Samples.gram(Samples.logits(new Random(1), 20, 4, 2), 4);
        var evidence = new LayerStatistics(1, gram, Samples.statistics(20, 0, 0, 0, 0));
        var rows = LayerPlan.rows(evidence, new int[] {0, 0, 0, 0}, MergeWeights.FREQUENCY);
        assertThat(rows).allMatch(row -> row.weight() == 0.25);
        assertThat(LayerScore.of(evidence, rows).cost()).isZero();
    }
}

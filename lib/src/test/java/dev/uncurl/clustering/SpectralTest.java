package dev.uncurl.clustering;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class SpectralTest {
    /** Eigenvectors as columns, by Jacobi's rotations, largest eigenvalue first. */
    private static double[][] eigenvectors(double[][] symmetric) {
        int count = symmetric.length;
        double[][] a = Arrays.stream(symmetric).map(double[]::clone).toArray(double[][]::new);
        double[][] v = new double[count][count];
        for (int i = 0; i < count; i++) {
            v[i][i] = 1;
        }
        for (int sweep = 0; sweep < 60; sweep++) {
            for (int p = 0; p < count; p++) {
                for (int q = p + 1; q < count; q++) {
                    double angle = 0.5 * Math.atan2(2 * a[p][q], a[q][q] - a[p][p]);
                    double c = Math.cos(angle);
                    double s = Math.sin(angle);
                    for (int k = 0; k < count; k++) {
                        double old = a[k][p];
                        a[k][p] = c * old - s * a[k][q];
                        a[k][q] = s * old + c * a[k][q];
                    }
                    for (int k = 0; k < count; k++) {
                        double old = a[p][k];
                        a[p][k] = c * old - s * a[q][k];
                        a[q][k] = s * old + c * a[q][k];
                        old = v[k][p];
                        v[k][p] = c * old - s * v[k][q];
                        v[k][q] = s * old + c * v[k][q];
                    }
                }
            }
        }
        int[] order = IntStream.range(0, count)
                .boxed()
                .sorted(Comparator.comparingDouble(i -> -a[i][i]))
                .mapToInt(Integer::intValue)
                .toArray();
        double[][] sorted = new double[count][count];
        for (int i = 0; i < count; i++) {
            for (int c = 0; c < count; c++) {
                sorted[i][c] = v[i][order[c]];
            }
        }
        return sorted;
    }

    /** The rows that k-means is to part, from the raw columns. */
    private static double[][] naiveRows(double[][] points, int clusters) {
        int count = points.length;
        double[][] distances = new double[count][count];
        for (int i = 0; i < count; i++) {
            for (int j = 0; j < count; j++) {
                distances[i][j] = Math.sqrt(NaiveKMeans.squaredDistance(points[i], points[j]));
            }
        }
        double[] pairs = IntStream.range(0, count)
                .boxed()
                .flatMapToDouble(i -> IntStream.range(0, i).mapToDouble(j -> distances[i][j]))
                .sorted()
                .toArray();
        double median = pairs[(pairs.length - 1) / 2];
        double[][] laplacian = new double[count][count];
        double[] degrees = new double[count];
        for (int i = 0; i < count; i++) {
            for (int j = 0; j < count; j++) {
                laplacian[i][j] = Math.exp(-0.5 * Math.pow(distances[i][j] / median, 2));
                degrees[i] += laplacian[i][j];
            }
        }
        for (int i = 0; i < count; i++) {
            for (int j = 0; j < count; j++) {
                laplacian[i][j] /= Math.sqrt(degrees[i] * degrees[j]);
            }
        }
        double[][] vectors = eigenvectors(laplacian);
        return Arrays.stream(vectors)
                .map(row -> {
                    double[] kept = Arrays.copyOf(row, clusters);
                    double length =
                            Math.sqrt(Arrays.stream(kept).map(x -> x * x).sum());
                    return Arrays.stream(kept).map(x -> x / length).toArray();
                })
                .toArray(double[][]::new);
    }

    @Property(tries = 60)
    void labelsAreThoseOfNaiveStepsOverTheRawLogits(
            @ForAll long seed,
            @ForAll @IntRange(min = 2, max = 14) int experts,
            @ForAll @IntRange(min = 1, max = 5) int wanted) {
        int clusters = Math.min(wanted, experts - 1);
        float[] logits = LogitSamples.logits(new Random(seed), 60, experts, 4);
        CanonicalGram columns = CanonicalGram.of(LogitSamples.gram(logits, experts));
        double[][] rows = naiveRows(LogitSamples.points(logits, columns), clusters);
        assertThat(Labels.canonical(Spectral.cluster(columns, clusters, seed)))
                .isEqualTo(Labels.canonical(NaiveKMeans.assignClusters(rows, clusters, seed)));
    }

    @Test
    void plantedClustersAreFound() {
        float[] logits = LogitSamples.logits(new Random(4), 200, 32, 8);
        Clusterer spectral = Spectral::cluster;
        assertThat(spectral.assignClusters(LogitSamples.gram(logits, 32), 8, 1))
                .isEqualTo(IntStream.range(0, 32).map(e -> e % 8).toArray());
    }
}

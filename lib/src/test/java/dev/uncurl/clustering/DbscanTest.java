package dev.uncurl.clustering;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class DbscanTest {
    private static final Clusterer DBSCAN = Dbscan::cluster;

    /** The clusters for one radius by the definition: what can be reached from a core over cores. */
    private static int[] naive(double[][] distances, double radius, int neighbours) {
        int count = distances.length;
        boolean[] cores = new boolean[count];
        boolean[][] reached = new boolean[count][count];
        for (int i = 0; i < count; i++) {
            double[] row = distances[i];
            cores[i] = IntStream.range(0, count).filter(j -> row[j] <= radius).count() + (radius < 0 ? 1 : 0)
                    >= neighbours;
        }
        for (int i = 0; i < count; i++) {
            for (int j = 0; j < count; j++) {
                reached[i][j] = i == j || cores[i] && cores[j] && distances[i][j] <= radius;
            }
        }
        for (int k = 0; k < count; k++) {
            for (int i = 0; i < count; i++) {
                for (int j = 0; j < count; j++) {
                    reached[i][j] |= reached[i][k] && reached[k][j];
                }
            }
        }
        int[] labels = new int[count];
        for (int i = 0; i < count; i++) {
            int from = i;
            for (int j = 0; j < count && !cores[i]; j++) {
                boolean near = cores[j] && distances[i][j] <= radius;
                from = near && (from == i || distances[i][j] < distances[i][from]) ? j : from;
            }
            int place = from;
            labels[i] = IntStream.range(0, count)
                    .filter(j -> reached[place][j])
                    .findFirst()
                    .orElseThrow();
        }
        return Labels.canonical(labels);
    }

    /** Tries every radius in turn. */
    private static int[] naiveSearch(double[][] distances, int clusters) {
        double[] radii = IntStream.range(0, distances.length)
                .boxed()
                .flatMapToDouble(i -> IntStream.range(0, i).mapToDouble(j -> distances[i][j]))
                .sorted()
                .toArray();
        for (int neighbours = 4; neighbours >= 1; neighbours--) {
            for (int r = -1; r < radii.length; r++) {
                int[] labels = naive(distances, r < 0 ? -1 : radii[r], neighbours);
                if (IntStream.of(labels).distinct().count() == clusters) {
                    return labels;
                }
            }
        }
        throw new AssertionError("no radius gives " + clusters);
    }

    @Property(tries = 100)
    void labelsAreThoseOfTheFirstRadiusThatFits(
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 14) int experts,
            @ForAll @IntRange(min = 1, max = 14) int wanted) {
        int clusters = Math.min(wanted, experts);
        CanonicalGram columns =
                CanonicalGram.of(LogitSamples.gram(LogitSamples.logits(new Random(seed), 20, experts, 3), experts));
        assertThat(Labels.canonical(Dbscan.cluster(columns, clusters, 0)))
                .isEqualTo(naiveSearch(columns.squaredDistances(), clusters));
    }

    @Test
    void whatIsLikeNothingElseStaysAlone() {
        // on a line: five together, five together, two far from all
        float[] line = {0, 1, 2, 3, 4, 20, 21, 22, 23, 24, 60, 100};
        assertThat(DBSCAN.assignClusters(LogitSamples.gram(line, 12), 4, 0))
                .containsExactly(0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 3);
    }

    @Test
    void kThatEqualDistancesLeaveOutIsRefusedWithThoseThatAreThere() {
        // one axis each: all equally far from each other
        float[] axes = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1};
        assertThatThrownBy(() -> DBSCAN.assignClusters(LogitSamples.gram(axes, 4), 3, 0))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("no 3 clusters")
                .hasMessageContaining("[1, 4]");
        assertThat(DBSCAN.assignClusters(LogitSamples.gram(axes, 4), 4, 0)).containsExactly(0, 1, 2, 3);
        assertThat(DBSCAN.assignClusters(LogitSamples.gram(axes, 4), 1, 0)).containsOnly(0);
    }
}

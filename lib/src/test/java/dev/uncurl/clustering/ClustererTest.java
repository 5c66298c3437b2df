package dev.uncurl.clustering;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import dev.uncurl.routing.RouterGram;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** What holds of every way of clustering. */
class ClustererTest {
    private static final Map<String, Clusterer> ALL = new TreeMap<>(Map.<String, Clusterer>of(
            "k-means", KMeans::cluster,
            "spectral", Spectral::cluster,
            "dbscan", Dbscan::cluster,
            "average", Linkage.AVERAGE,
            "complete", Linkage.COMPLETE,
            "single", Linkage.SINGLE,
            "ward", Linkage.WARD));

    @Provide
    Arbitrary<String> ways() {
        return Arbitraries.of(ALL.keySet());
    }

    @Property(tries = 300)
    void relabellingTheExpertsRelabelsTheResult(
            @ForAll("ways") String way,
            @ForAll long seed,
            @ForAll @IntRange(min = 2, max = 20) int experts,
            @ForAll @IntRange(min = 1, max = 20) int wanted) {
        int clusters = Math.min(wanted, experts);
        var random = new Random(seed);
        float[] logits = LogitSamples.logits(random, 30, experts, 5);
        int[] permutation = LogitSamples.permutation(random, experts);
        RouterGram gram = LogitSamples.gram(logits, experts);
        RouterGram relabelled = LogitSamples.gram(LogitSamples.relabelled(logits, permutation), experts);
        int[] before = ALL.get(way).assignClusters(gram, clusters, 3);
        int[] expected = IntStream.of(permutation).map(e -> before[e]).toArray();
        assertThat(ALL.get(way).assignClusters(relabelled, clusters, 3)).isEqualTo(Labels.canonical(expected));
    }

    @Property(tries = 300)
    void thereAreExactlyKClustersNumberedByTheirLowestMember(
            @ForAll("ways") String way,
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 20) int experts,
            @ForAll @IntRange(min = 1, max = 20) int wanted) {
        int clusters = Math.min(wanted, experts);
        RouterGram gram = LogitSamples.gram(LogitSamples.logits(new Random(seed), 30, experts, 4), experts);
        int[] labels = ALL.get(way).assignClusters(gram, clusters, seed);
        assertThat(IntStream.of(labels).distinct().toArray())
                .isEqualTo(IntStream.range(0, clusters).toArray());
        assertThat(ALL.get(way).assignClusters(gram, clusters, seed)).isEqualTo(labels);
    }

    @Property(tries = 300)
    void amongDuplicatesThereAreKClustersTooExceptThatDbscanMayRefuse(
            @ForAll("ways") String way,
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 12) int experts,
            @ForAll @IntRange(min = 1, max = 12) int wanted,
            @ForAll @IntRange(min = 1, max = 3) int distinct) {
        int clusters = Math.min(wanted, experts);
        RouterGram gram = LogitSamples.gram(LogitSamples.duplicates(new Random(seed), 10, experts, distinct), experts);
        try {
            assertThat(IntStream.of(ALL.get(way).assignClusters(gram, clusters, seed))
                            .distinct())
                    .hasSize(clusters);
        } catch (UserError userError) {
            assertThat(way).isEqualTo("dbscan");
            assertThat(clusters).isBetween(Math.min(distinct, experts) + 1, experts - 1);
            assertThat(userError).hasMessageContaining("no " + clusters + " clusters");
        }
    }

    @Property(tries = 30)
    void oneClusterHoldsAllAndEClustersHoldOneEach(
            @ForAll("ways") String way, @ForAll long seed, @ForAll @IntRange(min = 1, max = 20) int experts) {
        RouterGram gram = LogitSamples.gram(LogitSamples.logits(new Random(seed), 30, experts, 4), experts);
        assertThat(ALL.get(way).assignClusters(gram, 1, seed)).containsOnly(0);
        assertThat(ALL.get(way).assignClusters(gram, experts, seed))
                .isEqualTo(IntStream.range(0, experts).toArray());
    }

    @Test
    void aKThatIsNotBetweenOneAndEIsRefused() {
        var gram = LogitSamples.gram(new float[] {1, 2, 3}, 3);
        for (Clusterer clusterer : ALL.values()) {
            for (int clusters : new int[] {-1, 0, 4}) {
                assertThatThrownBy(() -> clusterer.assignClusters(gram, clusters, 0))
                        .isInstanceOf(UserError.class)
                        .hasMessageContaining("K = " + clusters)
                        .hasMessageContaining("E = 3");
            }
        }
    }
}

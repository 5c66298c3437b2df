package dev.uncurl.clustering;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.routing.RouterGram;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class KMeansTest {
    private static final Clusterer K_MEANS = KMeans::cluster;

    @Property(tries = 60)
    void labelsAreThoseOfKMeansOverTheRawLogits(
            @ForAll long seed,
            @ForAll @IntRange(min = 2, max = 16) int experts,
            @ForAll @IntRange(min = 1, max = 16) int wanted,
            @ForAll @IntRange(min = 1, max = 6) int groups) {
        int clusters = Math.min(wanted, experts);
        float[] logits = LogitSamples.logits(new Random(seed), 60, experts, groups);
        CanonicalGram columns = CanonicalGram.of(LogitSamples.gram(logits, experts));
        assertThat(columns.byExpert(KMeans.cluster(columns, clusters, seed)))
                .isEqualTo(columns.byExpert(
                        NaiveKMeans.assignClusters(LogitSamples.points(logits, columns), clusters, seed)));
    }

    @Property(tries = 30)
    void theOrderOfTheRowsDoesNotMatter(@ForAll long seed) {
        var random = new Random(seed);
        int experts = 12;
        float[] logits = LogitSamples.logits(random, 40, experts, 4);
        int[] order = LogitSamples.permutation(random, 40);
        float[] shuffled = new float[logits.length];
        for (int t = 0; t < 40; t++) {
            System.arraycopy(logits, order[t] * experts, shuffled, t * experts, experts);
        }
        assertThat(K_MEANS.assignClusters(LogitSamples.gram(shuffled, experts), 4, 9))
                .isEqualTo(K_MEANS.assignClusters(LogitSamples.gram(logits, experts), 4, 9));
    }

    @Property(tries = 60)
    void duplicatesAreOnlyPartedWhenThereAreTooFewDifferentColumns(
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 12) int experts,
            @ForAll @IntRange(min = 1, max = 12) int wanted,
            @ForAll @IntRange(min = 1, max = 3) int distinct) {
        int clusters = Math.min(wanted, experts);
        RouterGram gram = LogitSamples.gram(LogitSamples.duplicates(new Random(seed), 10, experts, distinct), experts);
        int[] labels = K_MEANS.assignClusters(gram, clusters, seed);
        if (clusters >= Math.min(distinct, experts)) {
            for (int cluster = 0; cluster < clusters; cluster++) {
                int label = cluster;
                int[] members = IntStream.range(0, experts)
                        .filter(e -> labels[e] == label)
                        .toArray();
                for (int member : members) {
                    assertThat(gram.squaredDistanceToMean(member, members)).isCloseTo(0, within(1e-9));
                }
            }
        }
    }

    @Test
    void plantedClustersAreFound() {
        float[] logits = LogitSamples.logits(new Random(4), 200, 32, 8);
        assertThat(K_MEANS.assignClusters(LogitSamples.gram(logits, 32), 8, 1))
                .isEqualTo(IntStream.range(0, 32).map(e -> e % 8).toArray());
    }
}

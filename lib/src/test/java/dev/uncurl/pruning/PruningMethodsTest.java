package dev.uncurl.pruning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.uncurl.clustering.LogitSamples;
import dev.uncurl.error.Refusal;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** What holds of every method. */
class PruningMethodsTest {
    @Property(tries = 300)
    void relabellingTheExpertsRelabelsThePlanOfEveryMethodThatDoesNotDrawByNumber(
            @ForAll PruningMethods method,
            @ForAll MergeWeights weights,
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 16) int experts,
            @ForAll @IntRange(min = 1, max = 16) int wanted) {
        assumeThat(method).isNotEqualTo(PruningMethods.RANDOM);
        int keep = Math.min(wanted, experts);
        var random = new Random(seed);
        float[] logits = Samples.logits(random, 30, experts, 4);
        float[] outputs = Samples.logits(random, 12, experts, 3);
        int[] usage = Samples.permutation(random, experts);
        int[] permutation = Samples.permutation(random, experts);
        List<Assignment> before = rows(Samples.complete(1, logits, outputs, usage), method, weights, keep);
        List<Assignment> after = rows(
                Samples.complete(
                        1,
                        LogitSamples.relabelled(logits, permutation),
                        LogitSamples.relabelled(outputs, permutation),
                        IntStream.of(permutation).map(e -> usage[e]).toArray()),
                method,
                weights,
                keep);
        for (int e = 0; e < experts; e++) {
            Assignment was = before.get(permutation[e]);
            Assignment is = after.get(e);
            assertThat(is.isReference()).isEqualTo(was.isReference());
            assertThat(is.weight()).isCloseTo(was.weight(), within(1e-15));
            for (int other = 0; other < experts; other++) {
                assertThat(is.cluster() == after.get(other).cluster())
                        .isEqualTo(
                                was.cluster() == before.get(permutation[other]).cluster());
            }
        }
    }

    private static List<Assignment> rows(
            LayerEvidence evidence, PruningMethods method, MergeWeights weights, int keep) {
        return LayerPlan.rows(evidence, method.labels(evidence, keep, 5), weights);
    }

    @Test
    void uncurlIsKMeansWithFrequencyWeights() {
        LayerEvidence evidence = Samples.complete(1, 3, 16);
        assertThat(PruningMethods.UNCURL.labels(evidence, 5, 2))
                .isEqualTo(PruningMethods.KMEANS.labels(evidence, 5, 2));
        assertThat(PruningMethods.UNCURL.weights()).isEqualTo(MergeWeights.FREQUENCY);
    }

    @Test
    void onlyTheMethodThatClustersOutputsAsksForThem() {
        assertThat(PruningMethods.values())
                .filteredOn(PruningMethods::needsOutputs)
                .containsExactly(PruningMethods.HC_SMOE);
    }

    @Test
    void aMisspeltNameIsRefusedWithTheNearest() {
        assertThatThrownBy(() -> PruningMethods.named("m-smo"))
                .isInstanceOf(Refusal.class)
                .hasMessageContaining("Did you mean m-smoe?");
        for (String title : PruningMethods.titles()) {
            assertThat(PruningMethods.named(title).title()).isEqualTo(title);
        }
    }
}

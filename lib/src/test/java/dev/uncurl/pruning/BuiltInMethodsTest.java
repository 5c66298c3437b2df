package dev.uncurl.pruning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.uncurl.clustering.Labels;
import dev.uncurl.clustering.LogitSamples;
import dev.uncurl.error.UserError;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** What holds of every method. */
class BuiltInMethodsTest {
    @Property(tries = 300)
    void relabellingTheExpertsRelabelsThePlanOfEveryMethodThatDoesNotDrawByNumber(
            @ForAll BuiltInMethods method,
            @ForAll MergeWeights weights,
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 16) int experts,
            @ForAll @IntRange(min = 1, max = 16) int wanted) {
        assumeThat(method).isNotEqualTo(BuiltInMethods.RANDOM);
        int keep = Math.min(wanted, experts);
        var random = new Random(seed);
        float[] logits = Samples.logits(random, 30, experts, 4);
        float[] outputs = Samples.logits(random, 12, experts, 3);
        int[] usage = Samples.permutation(random, experts);
        int[] permutation = Samples.permutation(random, experts);
        List<ExpertAssignment> before = rows(Samples.complete(1, logits, outputs, usage), method, weights, keep);
        List<ExpertAssignment> after = rows(
                Samples.complete(
                        1,
                        LogitSamples.relabelled(logits, permutation),
                        LogitSamples.relabelled(outputs, permutation),
                        IntStream.of(permutation).map(e -> usage[e]).toArray()),
                method,
                weights,
                keep);
        for (int e = 0; e < experts; e++) {
            ExpertAssignment was = before.get(permutation[e]);
            ExpertAssignment is = after.get(e);
            assertThat(is.isReference()).isEqualTo(was.isReference());
            assertThat(is.weight()).isCloseTo(was.weight(), within(1e-15));
            for (int other = 0; other < experts; other++) {
                assertThat(is.cluster() == after.get(other).cluster())
                        .isEqualTo(
                                was.cluster() == before.get(permutation[other]).cluster());
            }
        }
    }

    private static List<ExpertAssignment> rows(
            LayerStatistics evidence, BuiltInMethods method, MergeWeights weights, int keep) {
        return LayerPlan.rows(evidence, method.assignClusters(evidence, keep, 5), weights);
    }

    @Test
    void uncurlIsKMeansWithFrequencyWeights() {
        LayerStatistics evidence = Samples.complete(1, 3, 16);
        assertThat(BuiltInMethods.UNCURL.assignClusters(evidence, 5, 2))
                .isEqualTo(BuiltInMethods.KMEANS.assignClusters(evidence, 5, 2));
        assertThat(BuiltInMethods.UNCURL.weights()).isEqualTo(MergeWeights.FREQUENCY);
    }

    @Test
    void onlyTheMethodThatClustersOutputsAsksForThem() {
        assertThat(BuiltInMethods.values())
                .filteredOn(BuiltInMethods::needsOutputs)
                .containsExactly(BuiltInMethods.HC_SMOE);
    }

    /** On logits without groups, for which k-means has many local optima. */
    @Test
    void onlyMethodsThatUseTheSeedDependOnIt() {
        for (BuiltInMethods method : BuiltInMethods.values()) {
            boolean differ = false;
            for (long sample = 1; sample <= 20; sample++) {
                var random = new Random(sample);
                LayerStatistics evidence = Samples.complete(
                        1,
                        Samples.logits(random, 60, 32, 32),
                        Samples.logits(random, 60, 32, 32),
                        Samples.permutation(random, 32));
                int[] first = Labels.canonical(method.assignClusters(evidence, 12, 1));
                for (long seed = 2; seed <= 4; seed++) {
                    differ |= !Arrays.equals(Labels.canonical(method.assignClusters(evidence, 12, seed)), first);
                }
            }
            assertThat(differ).as(method.id()).isEqualTo(method.usesSeed());
        }
    }

    @Test
    void aMisspeltNameIsRefusedWithTheNearest() {
        assertThatThrownBy(() -> BuiltInMethods.named("m-smo"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("Did you mean m-smoe?");
        for (String id : BuiltInMethods.ids()) {
            assertThat(BuiltInMethods.named(id).id()).isEqualTo(id);
        }
    }
}

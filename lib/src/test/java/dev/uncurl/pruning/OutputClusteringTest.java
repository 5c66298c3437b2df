package dev.uncurl.pruning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.RepeatedTest;

class OutputClusteringTest {
    @Property(tries = 60)
    void hcSmoeJoinsTheExpertsOfTheLowestMeanDistanceBetweenOutputs(
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 12) int experts,
            @ForAll @IntRange(min = 1, max = 12) int wanted) {
        int keep = Math.min(wanted, experts);
        var random = new Random(seed);
        int width = 9;
        // [D, E]: the mean output of an expert is a column
        float[] outputs = Samples.floats(random, width * experts, 1);
        LayerStatistics evidence = Samples.complete(
                1, Samples.logits(random, 20, experts, 3), outputs, Samples.permutation(random, experts));
        List<List<Integer>> clusters =
                new ArrayList<>(IntStream.range(0, experts).mapToObj(List::of).toList());
        while (clusters.size() > keep) {
            List<Integer> one = null;
            List<Integer> two = null;
            double lowest = Double.POSITIVE_INFINITY;
            for (List<Integer> a : clusters) {
                for (List<Integer> b : clusters) {
                    double mean = a.stream()
                            .flatMap(i -> b.stream().map(j -> distance(outputs, experts, i, j)))
                            .mapToDouble(Double::doubleValue)
                            .average()
                            .orElseThrow();
                    if (a != b && mean < lowest) {
                        lowest = mean;
                        one = a;
                        two = b;
                    }
                }
            }
            clusters.remove(one);
            clusters.remove(two);
            var joined = new ArrayList<>(one);
            joined.addAll(two);
            clusters.add(joined);
        }
        int[] labels = BuiltInMethods.HC_SMOE.assignClusters(evidence, keep, 0);
        for (List<Integer> cluster : clusters) {
            assertThat(IntStream.range(0, experts)
                            .filter(e -> labels[e] == labels[cluster.get(0)])
                            .boxed())
                    .containsExactlyInAnyOrderElementsOf(cluster);
        }
    }

    private static double distance(float[] outputs, int experts, int i, int j) {
        double sum = 0;
        for (int d = 0; d < outputs.length; d += experts) {
            sum += Math.pow(outputs[d + i] - outputs[d + j], 2);
        }
        return Math.sqrt(sum);
    }

    /** Layers are planned in parallel; the error of the first layer is thrown, whichever layer fails first. */
    @RepeatedTest(20)
    void withoutOutputsItIsRefusedWithTheFirstLayerAndTheCommandThatDumpsThem() {
        List<LayerStatistics> without = IntStream.rangeClosed(1, 24)
                .mapToObj(i -> Samples.complete(32 - i, i, 4))
                .map(with -> new LayerStatistics(with.layer(), with.gram(), with.statistics()))
                .toList();
        var settings = PlanSettings.of(BuiltInMethods.HC_SMOE, 2, 0);
        assertThatThrownBy(() -> Planner.plan("m", "sha", "task", settings, without, Map.of()))
                .isInstanceOf(UserError.class)
                .hasMessageStartingWith("Layer 8: ")
                .hasMessageContaining("dump-logits")
                .hasMessageContaining("--outputs N");
    }
}

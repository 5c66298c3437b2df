package dev.uncurl.pruning;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.routing.ExpertStatistics;
import dev.uncurl.routing.NaiveStatistics;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class TopScorePruningTest {
    private static LayerStatistics evidence(ExpertStatistics statistics) {
        int experts = statistics.experts();
        return new LayerStatistics(0, Samples.gram(new float[experts], experts), statistics);
    }

    @Test
    void tiesGoToTheLowerId() {
        var evidence = evidence(Samples.statistics(15, 2, 9, 0, 2, 2));
        for (BuiltInMethods method : List.of(BuiltInMethods.FREQUENCY, BuiltInMethods.GATE_MASS)) {
            assertThat(LayerPlan.rows(evidence, method.assignClusters(evidence, 3, 0), MergeWeights.FREQUENCY))
                    .containsExactly(
                            new ExpertAssignment(0, 0, 0, 1, true),
                            new ExpertAssignment(0, 1, 1, 1, true),
                            new ExpertAssignment(0, 2, -1, 0, false),
                            new ExpertAssignment(0, 3, 2, 1, true),
                            new ExpertAssignment(0, 4, -1, 0, false));
        }
        assertThat(BuiltInMethods.REAP.assignClusters(evidence, 2, 0)).containsExactly(0, 1, -1, -1, -1);
    }

    /** Tokens with k = 2 choices each; each method's score is summed by its definition, token by token. */
    @Property(tries = 60)
    void frequencyGateMassAndReapKeepTheHighestSumsOverTheTokens(
            @ForAll long seed,
            @ForAll @IntRange(min = 2, max = 10) int experts,
            @ForAll @IntRange(min = 1, max = 10) int wanted) {
        int keep = Math.min(wanted, experts);
        var random = new Random(seed);
        var statistics = new NaiveStatistics(experts);
        double[] chosen = new double[experts];
        double[] gates = new double[experts];
        double[] saliency = new double[experts];
        for (int t = 0; t < 60; t++) {
            int[] choices = {random.nextInt(experts), 0};
            choices[1] = (choices[0] + 1 + random.nextInt(experts - 1)) % experts;
            float[] gate = {random.nextFloat(), random.nextFloat()};
            float[] norm = {random.nextFloat() * 3, random.nextFloat() * 3};
            statistics.add(choices, gate, Samples.floats(random, experts, 1), norm);
            for (int c = 0; c < 2; c++) {
                chosen[choices[c]]++;
                gates[choices[c]] += gate[c];
                saliency[choices[c]] += (double) gate[c] * norm[c];
            }
        }
        for (int e = 0; e < experts; e++) {
            saliency[e] = chosen[e] == 0 ? 0 : saliency[e] / chosen[e];
        }
        var evidence = evidence(statistics.statistics());
        assertKept(BuiltInMethods.FREQUENCY.assignClusters(evidence, keep, 0), chosen, keep);
        assertKept(BuiltInMethods.GATE_MASS.assignClusters(evidence, keep, 0), gates, keep);
        assertKept(BuiltInMethods.REAP.assignClusters(evidence, keep, 0), saliency, keep);
    }

    private static void assertKept(int[] labels, double[] scores, int keep) {
        int kept = 0;
        for (int e = 0; e < labels.length; e++) {
            int before = 0;
            for (int other = 0; other < labels.length; other++) {
                before += scores[other] > scores[e] || scores[other] == scores[e] && other < e ? 1 : 0;
            }
            assertThat(labels[e]).isEqualTo(before < keep ? e : ExpertAssignment.DROPPED);
            kept += labels[e] >= 0 ? 1 : 0;
        }
        assertThat(kept).isEqualTo(keep);
    }
}

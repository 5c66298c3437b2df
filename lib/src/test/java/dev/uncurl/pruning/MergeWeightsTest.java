package dev.uncurl.pruning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import dev.uncurl.routing.ExpertStatistics;
import dev.uncurl.routing.RouterGram;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class MergeWeightsTest {
    /** Two clusters: experts 0, 2, 3 and the never activated 1, 4. */
    private static final int[] LABELS = {7, 2, 7, 7, 2};

    private static List<ExpertAssignment> rows(MergeWeights weights) {
        long[] choices = {1, 0, 3, 5, 0};
        double[] gates = {0.5, 0, 2.5, 2, 0};
        var rows = new ArrayList<ExpertStatistics.Row>();
        for (int e = 0; e < choices.length; e++) {
            rows.add(new ExpertStatistics.Row(e, choices[e], 0, gates[e], 0, 0, 0, 0));
        }
        var evidence = new LayerStatistics(0, new RouterGram(5, 0, new double[25]), ExpertStatistics.of(rows));
        return LayerPlan.rows(evidence, LABELS, weights);
    }

    @Test
    void weightsFollowActivationsAndTheMostActivatedIsTheReference() {
        assertThat(rows(MergeWeights.FREQUENCY))
                .containsExactly(
                        new ExpertAssignment(0, 0, 0, 1 / 9.0, false),
                        new ExpertAssignment(0, 1, 1, 0.5, true),
                        new ExpertAssignment(0, 2, 0, 3 / 9.0, false),
                        new ExpertAssignment(0, 3, 0, 5 / 9.0, true),
                        new ExpertAssignment(0, 4, 1, 0.5, false));
    }

    @Test
    void otherWeightsKeepClustersAndReferences() {
        for (MergeWeights weights : MergeWeights.values()) {
            assertThat(rows(weights)).extracting(ExpertAssignment::cluster).containsExactly(0, 1, 0, 0, 1);
            assertThat(rows(weights))
                    .extracting(ExpertAssignment::isReference)
                    .containsExactly(false, true, false, true, false);
        }
        assertThat(rows(MergeWeights.GATE_MASS))
                .extracting(ExpertAssignment::weight)
                .containsExactly(0.5 / 5, 0.5, 2.5 / 5, 2.0 / 5, 0.5);
        assertThat(rows(MergeWeights.UNIFORM))
                .extracting(ExpertAssignment::weight)
                .containsExactly(1 / 3.0, 0.5, 1 / 3.0, 1 / 3.0, 0.5);
        assertThat(rows(MergeWeights.REFERENCE_ONLY))
                .extracting(ExpertAssignment::weight)
                .containsExactly(0.0, 1.0, 0.0, 1.0, 0.0);
    }

    @Test
    void aMisspeltNameIsRefusedWithTheNearest() {
        assertThat(MergeWeights.named("reference-only")).isEqualTo(MergeWeights.REFERENCE_ONLY);
        assertThatThrownBy(() -> MergeWeights.named("gatemass"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("Did you mean gate-mass?");
    }
}

package dev.uncurl.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.model.BranchedBatch.Segment;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.factory.Nd4j;

class BranchedBatchTest {
    private static final ModelConfig CONFIG =
            new ModelConfig(2, 16, 2, 32, 50, 24, new MoeConfig(4, 2, 2, true, 0.01, 0, 0));

    /** 1 2 3 with branches 4 5 (after 3) and 6 (after 2), and 7 8 alone. */
    private static final BranchedBatch BATCH = new BranchedBatch(
            new int[] {1, 2, 3, 4, 5, 6, 7, 8},
            List.of(new Segment(0, 3, 0, 0), new Segment(3, 2, 0, 3), new Segment(5, 1, 0, 2), new Segment(6, 2, 0, 0)),
            new int[] {2, 4, 2, 5, 7, 0},
            new int[] {4, 9, 10, 11, 12, 2});

    @Test
    void aTokenStandsWhereItStandsInItsSequence() {
        assertThat(BATCH.positions()).containsExactly(0, 1, 2, 3, 4, 2, 0, 1);
    }

    @Test
    void probabilitiesAreThoseOfTheSequencesOneByOne() {
        int[][] sequences = {{1, 2, 3, 4}, {1, 2, 3, 4, 5, 9}, {1, 2, 3, 10}, {1, 2, 6, 11}, {7, 8, 12}, {1, 2}};
        float[] weights = WeightArrays.initial(CONFIG, 5);
        for (int i = 0; i < weights.length; i++) {
            weights[i] *= 5;
        }
        try (var model = SmoeLanguageModel.forScoring(CONFIG, Nd4j.createFromArray(weights), 24)) {
            double[] together = model.logProbabilities(BATCH);
            assertThat(model.routing(1).tokens()).isEqualTo(8);
            for (int i = 0; i < sequences.length; i++) {
                int[] targets = Sequences.nextTokens(sequences[i], sequences[i].length - 1);
                double loss = model.forward(new TokenBatch(sequences[i], targets, 1, targets.length))
                        .crossEntropy();
                assertThat(together[i]).as("sequence %d", i).isCloseTo(-loss, within(1e-4));
            }
        }
    }

    @Test
    void segmentsThatAreNoSequencesAreRefused() {
        int[] none = {};
        int[] two = {1, 2};
        for (var segments : List.of(
                List.<Segment>of(),
                List.of(new Segment(0, 1, 0, 0)),
                List.of(new Segment(0, 1, 0, 0), new Segment(0, 1, 0, 0)),
                List.of(new Segment(0, 1, 0, 0), new Segment(1, 1, 0, 2)),
                List.of(new Segment(0, 1, 0, 0), new Segment(1, 1, 1, 1)))) {
            assertThatThrownBy(() -> new BranchedBatch(two, segments, none, none))
                    .as("%s", segments)
                    .isInstanceOf(IllegalArgumentException.class);
        }
        var whole = List.of(new Segment(0, 2, 0, 0));
        assertThatThrownBy(() -> new BranchedBatch(two, whole, new int[] {2}, new int[] {0}))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new BranchedBatch(two, whole, new int[] {1}, none))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void tokensAndPlacesOutsideTheModelAreRefused() {
        int[] none = {};
        try (var model =
                SmoeLanguageModel.forScoring(CONFIG, Nd4j.createFromArray(WeightArrays.initial(CONFIG, 5)), 48)) {
            for (int[] tokens : new int[][] {{50}, new int[25], new int[49]}) {
                var batch = new BranchedBatch(tokens, List.of(new Segment(0, tokens.length, 0, 0)), none, none);
                assertThatThrownBy(() -> model.logProbabilities(batch)).isInstanceOf(IllegalArgumentException.class);
            }
        }
    }
}

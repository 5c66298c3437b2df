package dev.uncurl.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.config.Settings;
import dev.uncurl.config.TrainConfig;
import dev.uncurl.error.UserError;
import dev.uncurl.model.TokenBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Two ranks, two steps a round, a factor of 3. */
class LossGuardTest {
    private record Recipe(TrainConfig train) {}

    private static final TrainConfig TRAIN = Settings.load("src/test/resources/tiny/finetune.conf", List.of())
            .bind(Recipe.class)
            .train();

    private static List<TrainingRound> history(double... losses) {
        return Arrays.stream(losses)
                .mapToObj(loss -> new TrainingRound(2, 9, loss, 1, 1, 1, 9, 1, List.of(), null))
                .toList();
    }

    /** The round of steps 10 and 11 of both ranks, counted from 0: losses of rank 0, then of rank 1. */
    private static List<StepMetrics> steps(double... losses) {
        var steps = new ArrayList<StepMetrics>();
        for (int i = 0; i < losses.length; i++) {
            steps.add(new StepMetrics(i / 2, 10 + i % 2, losses[i], 5, 1, 1, 1, new int[0][], new int[0], null));
        }
        return steps;
    }

    private static final List<TrainingData.Batch> BATCHES = IntStream.range(0, 4)
            .mapToObj(i -> new TrainingData.Batch(
                    TokenBatch.ofSequences(List.of(new int[] {1, 2})), List.of("cc100/" + i, "mc4/" + i)))
            .toList();

    private static void check(List<TrainingRound> before, List<StepMetrics> steps) {
        new LossGuard("train m", TRAIN).check(before, steps, BATCHES, "models/step-4");
    }

    @Test
    void theFirstStepBeyondTheFactorOfTheMedianIsNamedWithItsRankAndSequences() {
        assertThatThrownBy(() -> check(history(1, 9, 2), steps(2, 2, 2, 6.1)))
                .isInstanceOfSatisfying(
                        UserError.class,
                        userError -> assertThat(userError.kind().exitCode()).isEqualTo(6))
                .hasMessageContaining("step 12 of rank 1: loss 6.1000")
                .hasMessageContaining("median loss of the previous rounds 2.0000")
                .hasMessageContaining("batch: cc100/3, mc4/3\n")
                .hasMessageContaining("Last good checkpoint: models/step-4")
                .hasMessageContaining("raise train.spike-factor");
        assertThatThrownBy(() -> check(history(2), steps(2, 7, 7, 2))).hasMessageContaining("step 11 of rank 1");
    }

    @Test
    void aLossWithinTheFactorAndAFirstRoundPass() {
        assertThatCode(() -> check(history(1, 9, 2, 2), steps(5.9, 2, 2, 2))).doesNotThrowAnyException();
        assertThatCode(() -> check(history(), steps(700, 2, 2, 2))).doesNotThrowAnyException();
    }

    @Test
    void theMedianIsOfTheLastTwentyRounds() {
        double[] losses = new double[40];
        Arrays.fill(losses, 0, 20, 100);
        Arrays.fill(losses, 20, 40, 1);
        assertThatThrownBy(() -> check(history(losses), steps(1, 1, 1, 4))).hasMessageContaining("1.0000");
    }

    @Test
    void theReasonOfAFaultIsTold() {
        var steps = new ArrayList<>(steps(2, 2, 2, 2));
        steps.set(0, new StepMetrics(0, 10, Double.NaN, 5, 1, 1, 1, new int[0][], new int[0], "The router of block 1"));
        assertThatThrownBy(() -> check(history(), steps)).hasMessageContaining("\n  The router of block 1");
    }

    @Test
    void whatIsNoNumberIsNeverPassed() {
        for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
            assertThatThrownBy(() -> check(history(), steps(2, bad, 2, 2))).hasMessageContaining("step 12 of rank 0");
            var gradient = new ArrayList<>(steps(2, 2, 2, 2));
            gradient.set(2, new StepMetrics(1, 10, 2, 5, 1, bad, 1, new int[0][], new int[0], null));
            assertThatThrownBy(() -> check(history(), gradient))
                    .hasMessageContaining("step 11 of rank 1")
                    .hasMessageContaining("cc100/2");
        }
    }
}

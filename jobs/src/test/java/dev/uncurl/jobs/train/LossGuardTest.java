package dev.uncurl.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.error.UserError;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A factor of 3. */
class LossGuardTest {
    private static final LossGuard GUARD = new LossGuard(3);

    private static List<TrainingInterval> history(double... losses) {
        return Arrays.stream(losses)
                .mapToObj(loss -> new TrainingInterval(2, 9, loss, 1, 1, 1, 9, 0, StepTimes.NONE, List.of(), null))
                .toList();
    }

    private static StepMetrics step(double loss, double gradientNorm, String fault) {
        return new StepMetrics(12, loss, 5, 1, gradientNorm, 1, new int[0][], new int[0], 0, StepTimes.NONE, fault);
    }

    private static StepMetrics step(double loss) {
        return step(loss, 1, null);
    }

    private static UserError error(StepMetrics step, List<TrainingInterval> before) {
        assertThat(GUARD.isGood(step, before)).isFalse();
        return GUARD.diverged("train m", step, before, List.of("cc100/3", "mc4/3"), "models/step-4");
    }

    @Test
    void aStepBeyondTheFactorOfTheMedianIsNamedWithItsSequences() {
        UserError error = error(step(6.1), history(1, 9, 2));
        assertThat(error.kind().exitCode()).isEqualTo(6);
        assertThat(error)
                .hasMessageContaining("train m diverged in step 12: loss 6.1000")
                .hasMessageContaining("median loss of the steps before 2.0000")
                .hasMessageContaining("batch: cc100/3, mc4/3\n")
                .hasMessageContaining("Last good checkpoint: models/step-4")
                .hasMessageContaining("raise train.spike-factor");
    }

    @Test
    void aLossWithinTheFactorAndAFirstStepPass() {
        assertThat(GUARD.isGood(step(5.9), history(1, 9, 2, 2))).isTrue();
        assertThat(GUARD.isGood(step(700), history())).isTrue();
        assertThat(new LossGuard(0).isGood(step(700), history(1))).isTrue();
    }

    @Test
    void theMedianIsOfTheLastTwentyIntervals() {
        double[] losses = new double[40];
        Arrays.fill(losses, 0, 20, 100);
        Arrays.fill(losses, 20, 40, 1);
        assertThat(error(step(4), history(losses))).hasMessageContaining("1.0000");
    }

    @Test
    void theReasonOfAFaultIsTold() {
        assertThat(error(step(Double.NaN, 1, "The router of block 1"), history()))
                .hasMessageContaining("\n  The router of block 1");
    }

    @Test
    void whatIsNoNumberIsNeverPassed() {
        for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
            assertThat(error(step(bad), history())).hasMessageContaining("step 12");
            assertThat(error(step(2, bad, null), history(2))).hasMessageContaining("step 12");
            assertThat(new LossGuard(0).isGood(step(bad), history())).isFalse();
        }
    }
}

package dev.uncurl.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.OffHeap;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;

class FootprintTest {
    private static final ModelConfig CONFIG = Models.config(5, 2, true);

    @Test
    void aModelOverTheLimitIsRefusedBeforeItsMemoryIsTaken() {
        assertThat(OffHeap.limit()).isPositive();
        int tokens = 1;
        while (SmoeLanguageModel.arenaBytes(CONFIG, tokens, true) <= OffHeap.limit()) {
            tokens *= 2;
        }
        var parameters = Models.array(Models.parameters(CONFIG, 1), DataType.FLOAT);
        int tooMany = tokens;
        assertThatThrownBy(() -> SmoeLanguageModel.forTraining(CONFIG, parameters, parameters.ulike(), tooMany))
                .isInstanceOf(UserError.class)
                .hasMessageContaining(tooMany + " tokens")
                .hasMessageContaining("arena")
                .hasMessageContaining("UNCURL_OFFHEAP");
    }

    @Test
    void scoringHasNoGradients() {
        var training = Footprint.of(CONFIG, 100, true).withState(12);
        var scoring = Footprint.of(CONFIG, 100, false);
        assertThat(scoring.parameters()).isEqualTo(training.parameters()).isEqualTo(training.gradients());
        assertThat(training.state()).isEqualTo(12);
        assertThat(scoring.gradients()).isZero();
        assertThat(scoring.state()).isZero();
        assertThat(scoring.arena()).isLessThan(training.arena() / 2);
    }

    /** Two moments of a slice of 100 of 1000 parameters, and a sum of gradients if there are several micro-steps. */
    @Test
    void theStateOfTrainingCounts() {
        assertThat(ModelSize.stateBytes(1000, 100, false)).isEqualTo(4 * 2 * 100);
        assertThat(ModelSize.stateBytes(1000, 100, true)).isEqualTo(4 * (2 * 100 + 1000));
        var without = Footprint.of(CONFIG, 100, true);
        assertThat(without.withState(800).total()).isEqualTo(without.total() + 800);
    }

    /** What a process takes in all is what its resident memory can be compared with. */
    @Test
    void theMessageSaysWhatTheProcessTakesWithItsHeap() {
        long tooMuch = OffHeap.limit();
        assertThatThrownBy(
                        () -> Footprint.of(CONFIG, 100, true).withState(tooMuch).check(100))
                .hasMessageContaining(String.format(
                        Locale.ROOT,
                        "; with a Java heap of up to %.1f MB the process takes up to",
                        OffHeap.heap() / 1e6));
    }

    @Test
    void logitsStayWithinABudgetHoweverManyTokensThereAre() {
        var wide = new ModelConfig(1, 8, 1, 8, 50_257, 16, new MoeConfig(0, 1, 2, false, 0, 0, 0));
        long some = SmoeLanguageModel.arenaBytes(wide, 4096, false);
        long twice = SmoeLanguageModel.arenaBytes(wide, 8192, false);
        assertThat(twice - some).isLessThan(4096L * 50_257);
        assertThat(twice).isLessThan(Kernels.LOGIT_BYTES + (16L << 20));
    }
}

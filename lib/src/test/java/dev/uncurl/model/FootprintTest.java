package dev.uncurl.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import dev.uncurl.kernel.OffHeap;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
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
        var training = Footprint.of(CONFIG, 100, true).withOptimizer(1);
        var scoring = Footprint.of(CONFIG, 100, false);
        assertThat(scoring.parameters()).isEqualTo(training.parameters()).isEqualTo(training.gradients());
        assertThat(training.optimizer()).isEqualTo(2 * training.parameters());
        assertThat(scoring.gradients()).isZero();
        assertThat(scoring.optimizer()).isZero();
        assertThat(scoring.arena()).isLessThan(training.arena() / 2);
    }

    @Test
    void aRankHasTheMomentsOfItsSliceAndEverythingElse() {
        var alone = Footprint.of(CONFIG, 100, true).withOptimizer(1);
        var one = Footprint.of(CONFIG, 100, true).withOptimizer(4);
        assertThat(one.optimizer()).isEqualTo((alone.optimizer() + 3) / 4);
        assertThat(alone.total() - one.total()).isEqualTo(alone.optimizer() - one.optimizer());
    }

    @Test
    void logitsStayWithinABudgetHoweverManyTokensThereAre() {
        var wide = new ModelConfig(1, 8, 1, 8, 50_257, 16, new MoeConfig(0, 1, 2, false, 0, 0, 0));
        long some = SmoeLanguageModel.arenaBytes(wide, 4096, false);
        long twice = SmoeLanguageModel.arenaBytes(wide, 8192, false);
        assertThat(twice - some).isLessThan(4096L * 50_257);
        assertThat(twice).isLessThan(64L << 20);
    }
}

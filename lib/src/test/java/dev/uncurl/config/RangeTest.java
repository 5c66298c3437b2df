package dev.uncurl.config;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import org.junit.jupiter.api.Test;

class RangeTest {
    @Test
    void takesItsEndsAndNothingBeyond() {
        assertThatCode(() -> Range.RANKS.check(1)).doesNotThrowAnyException();
        assertThatCode(() -> Range.RANKS.check(4096)).doesNotThrowAnyException();
        assertThatThrownBy(() -> Range.RANKS.check(0))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("train.ranks = 0")
                .hasMessageContaining("from 1 to 4096");
        assertThatThrownBy(() -> Range.RANKS.check(1_000_000_000)).hasMessageContaining("train.ranks = 1000000000");
        assertThatThrownBy(() -> Range.LIMIT_OPTION.check(-1)).hasMessageContaining("--limit = -1");
    }

    @Test
    void leavesOutAnEndThatIsNoValue() {
        assertThatThrownBy(() -> Range.LEARNING_RATE.check(0.0)).hasMessageContaining("above 0");
        assertThatCode(() -> Range.LEARNING_RATE.check(Double.MIN_VALUE)).doesNotThrowAnyException();
        assertThatThrownBy(() -> Range.BETA1.check(1.0)).hasMessageContaining("to below 1");
    }

    @Test
    void noRangeTakesWhatIsNoNumberOrHasNoEnd() {
        for (Range range : Range.values()) {
            for (double value : new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
                assertThatThrownBy(() -> range.check(value)).as(range.name()).isInstanceOf(UserError.class);
            }
            assertThatThrownBy(() -> range.check(Long.MIN_VALUE))
                    .as(range.name())
                    .isInstanceOf(UserError.class);
        }
    }
}

package dev.uncurl.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import org.junit.jupiter.api.Test;

class SplitTest {
    @Test
    void hashIsSha256OfUtf8() {
        assertThat(ContentHash.of("abc").hex())
                .isEqualTo("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    @Test
    void splitNeverMoves() {
        // sha-256 of "abc" begins with ba7816bf: 0.7284 of the range
        assertThat(Split.of("abc", 0.728)).isEqualTo(Split.TRAIN);
        assertThat(Split.of("abc", 0.729)).isEqualTo(Split.VALIDATION);
    }

    @Property
    void largerFractionKeepsWhatValidates(
            @ForAll String text, @ForAll @DoubleRange(max = 1) double a, @ForAll @DoubleRange(max = 1) double b) {
        if (Split.of(text, Math.min(a, b)) == Split.VALIDATION) {
            assertThat(Split.of(text, Math.max(a, b))).isEqualTo(Split.VALIDATION);
        }
        assertThat(Split.of(text, 0)).isEqualTo(Split.TRAIN);
        assertThat(Split.of(text, 1)).isEqualTo(Split.VALIDATION);
    }

    @Test
    void fractionIsTheShareThatValidates() {
        long validating = IntStream.range(0, 20_000)
                .filter(i -> Split.of("document " + i, 0.1) == Split.VALIDATION)
                .count();
        assertThat(validating).isBetween(1_850L, 2_150L);
    }

    @Test
    void impossibleFractionIsRefused() {
        for (double fraction : new double[] {-0.1, 1.1, Double.NaN}) {
            assertThatThrownBy(() -> Split.of("", fraction)).isInstanceOf(UserError.class);
        }
    }
}

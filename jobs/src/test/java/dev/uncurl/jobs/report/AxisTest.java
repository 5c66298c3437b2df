package dev.uncurl.jobs.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class AxisTest {
    @Property
    void ticksCoverBothEndsInFewSimpleSteps(
            @ForAll @DoubleRange(min = -1e6, max = 1e6) double one,
            @ForAll @DoubleRange(min = -1e6, max = 1e6) double other,
            @ForAll @IntRange(min = 2, max = 8) int most) {
        double low = Math.min(one, other);
        double high = Math.max(one, other);
        Axis axis = Axis.covering(low, high, most);
        List<Double> ticks = axis.ticks();
        double slack = axis.step() * 1e-6;
        assertThat(ticks.get(0)).isLessThanOrEqualTo(low + slack);
        assertThat(ticks.get(ticks.size() - 1)).isGreaterThanOrEqualTo(high - slack);
        assertThat(ticks).hasSizeBetween(2, most + 1).isSorted();
        double mantissa = axis.step() / Math.pow(10, Math.floor(Math.log10(axis.step()) + 1e-9));
        assertThat(List.of(1L, 2L, 5L)).contains(Math.round(mantissa));
        assertThat(mantissa).isCloseTo(Math.round(mantissa), within(1e-6));
    }

    @Property
    void aFinerStepWouldNeedTooManyTicks(
            @ForAll @DoubleRange(min = 0, max = 100) double low,
            @ForAll @DoubleRange(min = 0.01, max = 100) double width) {
        Axis axis = Axis.covering(low, low + width, 5);
        boolean five = Math.round(axis.step() / Math.pow(10, Math.floor(Math.log10(axis.step()) + 1e-9))) == 5;
        double finer = five ? axis.step() / 2.5 : axis.step() / 2;
        assertThat(Math.ceil((low + width) / finer - 1e-6) - Math.floor(low / finer + 1e-6))
                .isGreaterThan(5);
    }

    @Test
    void labelsHaveTheDigitsOfTheStep() {
        Axis axis = Axis.covering(-0.01, 0.04, 5);
        assertThat(axis.ticks().stream().map(axis::label))
                .containsExactly("-0.01", "0.00", "0.01", "0.02", "0.03", "0.04");
        assertThat(Axis.covering(5, 9, 6).label(7)).isEqualTo("7");
        assertThat(Axis.covering(3, 3, 5).ticks()).contains(3.0);
        assertThat(Axis.covering(0, 0, 5).ticks()).contains(0.0);
    }
}

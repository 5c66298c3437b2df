package dev.uncurl.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class PassTimesTest {
    private static PassTimes of(long... nanos) {
        return new PassTimes(nanos, Map.of());
    }

    /** numpy.quantile([15, 20, 35, 40, 50], [0.05, 0.4, 0.5, 0.95]), times in milliseconds. */
    @Test
    void quantilesAreThoseOfNumpy() {
        var times = of(50_000_000, 15_000_000, 40_000_000, 20_000_000, 35_000_000);
        assertThat(times.quantileMillis(0.05)).isCloseTo(16, within(1e-12));
        assertThat(times.quantileMillis(0.4)).isCloseTo(29, within(1e-12));
        assertThat(times.quantileMillis(0.5)).isCloseTo(35, within(1e-12));
        assertThat(times.quantileMillis(0.95)).isCloseTo(48, within(1e-12));
    }

    /** The definition: the broken line through (i / (n - 1), i-th smallest value). */
    @Property(tries = 200)
    void aQuantileIsOnTheLineThroughTheOrderStatistics(
            @ForAll @Size(min = 2, max = 30) List<@LongRange(min = 1, max = 1_000_000_000) Long> nanos,
            @ForAll @DoubleRange(min = 0, max = 1) double share) {
        long[] values = nanos.stream().mapToLong(Long::longValue).toArray();
        long[] sorted = values.clone();
        Arrays.sort(sorted);
        double expected = Double.NaN;
        for (int i = 0; i + 1 < sorted.length; i++) {
            double from = (double) i / (sorted.length - 1);
            double to = (double) (i + 1) / (sorted.length - 1);
            if (share >= from && share <= to) {
                expected = sorted[i] + (sorted[i + 1] - sorted[i]) * (share - from) / (to - from);
                break;
            }
        }
        assertThat(of(values).quantileMillis(share)).isCloseTo(expected / 1e6, within(1e-9 * (1 + expected / 1e6)));
    }

    @Test
    void oneTimeIsEveryQuantile() {
        assertThat(of(3_000_000).quantileMillis(0.95)).isEqualTo(3);
    }

    @Property(tries = 100)
    void sharesSumToOne(
            @ForAll @Size(value = 3) List<@LongRange(min = 0, max = 1_000_000) Long> passes,
            @ForAll @Size(value = 3) List<@LongRange(min = 0, max = 600_000) Long> head,
            @ForAll @Size(value = 3) List<@LongRange(min = 0, max = 600_000) Long> experts) {
        var shares = new PassTimes(array(passes), Map.of("head", array(head), "experts", array(experts))).shares();
        assertThat(shares).containsOnlyKeys("experts", "head", "other");
        assertThat(shares.values()).allMatch(share -> share >= 0);
        assertThat(shares.values().stream().mapToDouble(Double::doubleValue).sum())
                .isCloseTo(1, within(1e-12));
    }

    private static long[] array(List<Long> values) {
        return values.stream().mapToLong(Long::longValue).toArray();
    }

    @Test
    void sharesAreThoseOfTheMediansSoThatAnInterruptedPassChangesNothing() {
        var shares = new PassTimes(
                        new long[] {100, 100, 9_000_100},
                        Map.of("head", new long[] {20, 20, 9_000_020}, "router", new long[] {60, 60, 60}))
                .shares();
        assertThat(shares.get("head")).isCloseTo(0.2, within(1e-12));
        assertThat(shares.get("router")).isCloseTo(0.6, within(1e-12));
        assertThat(shares.get("other")).isCloseTo(0.2, within(1e-12));
    }

    @Test
    void processesTogetherAreAllPasses() {
        var together = PassTimes.together(List.of(
                new PassTimes(new long[] {1, 2}, Map.of("head", new long[] {1, 1})),
                new PassTimes(new long[] {5}, Map.of("head", new long[] {4}))));
        assertThat(together.nanos()).containsExactly(1, 2, 5);
        assertThat(together.partNanos()).containsOnlyKeys("head");
        assertThat(together.partNanos().get("head")).containsExactly(1, 1, 4);
    }

    @Test
    void noPassesAreRefused() {
        assertThatThrownBy(PassTimesTest::of).isInstanceOf(IllegalArgumentException.class);
    }
}

package dev.uncurl.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class TimedPassesTest {
    /** A clock that only passes move. */
    private long now;

    private final List<Integer> order = new ArrayList<>();

    /** A subject whose pass number p takes base + p nanoseconds, three quarters of them in "head". */
    private final class Counting implements TimedPasses.Subject {
        private final int id;
        private final long base;
        private long passes;
        private long head;

        Counting(int id, long base) {
            this.id = id;
            this.base = base;
        }

        @Override
        public void pass() {
            order.add(id);
            long nanos = base + 4 * passes++;
            now += nanos;
            head += nanos * 3 / 4;
        }

        @Override
        public Map<String, Long> partNanos() {
            return Map.of("head", head, "exchange", 0L);
        }
    }

    private List<PassTimes> measure(int subjects, int warmup, int repeats) {
        List<Counting> counting = IntStream.range(0, subjects)
                .mapToObj(id -> new Counting(id, 1000L * (id + 1)))
                .toList();
        return new TimedPasses(counting, () -> now).measure(warmup, repeats);
    }

    @Test
    void subjectsTakeTurnsAndTheOrderRotates() {
        measure(3, 2, 4);
        assertThat(order).containsExactly(0, 1, 2, 1, 2, 0, 0, 1, 2, 1, 2, 0, 2, 0, 1, 0, 1, 2);
    }

    @Test
    void warmUpCountsNeitherInTimesNorInParts() {
        List<PassTimes> times = measure(2, 3, 2);
        assertThat(times.get(0).nanos()).containsExactly(1012, 1016);
        assertThat(times.get(1).nanos()).containsExactly(2012, 2016);
        assertThat(times.get(1).partNanos()).containsOnlyKeys("exchange", "head");
        assertThat(times.get(1).partNanos().get("head")).containsExactly(1509, 1512);
        assertThat(times.get(1).partNanos().get("exchange")).containsExactly(0, 0);
        assertThat(times.get(1).shares().get("head")).isCloseTo(0.75, within(1e-12));
        assertThat(times.get(1).shares().get("other")).isCloseTo(0.25, within(1e-12));
    }

    @Property(tries = 50)
    void everySubjectIsAtEveryPlaceEquallyOften(
            @ForAll @IntRange(min = 1, max = 6) int subjects, @ForAll @IntRange(min = 1, max = 4) int cycles) {
        order.clear();
        measure(subjects, 0, subjects * cycles);
        int[][] timesAtPlace = new int[subjects][subjects];
        for (int i = 0; i < order.size(); i++) {
            timesAtPlace[order.get(i)][i % subjects]++;
        }
        for (int[] places : timesAtPlace) {
            assertThat(places).containsOnly(cycles);
        }
    }
}

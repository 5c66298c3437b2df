package dev.uncurl.kernel.device;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.kernel.device.Intervals.Interval;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class IntervalsTest {
    private static final int LENGTH = 40;

    /** The intervals of elements that are false. */
    private static List<Interval> missing(boolean[] in, int from, int to) {
        var gaps = new ArrayList<Interval>();
        for (int i = from; i < to; i++) {
            if (!in[i]) {
                int start = i;
                while (i < to && !in[i]) {
                    i++;
                }
                gaps.add(new Interval(start, i));
            }
        }
        return gaps;
    }

    @Test
    void theyAreThoseOfAnArrayOfBooleansWhateverIsAddedAndRemoved() {
        for (int seed = 0; seed < 200; seed++) {
            var random = new Random(seed);
            var intervals = new Intervals();
            var in = new boolean[LENGTH];
            for (int operation = 0; operation < 100; operation++) {
                int from = random.nextInt(LENGTH + 1);
                int to = from + random.nextInt(LENGTH + 1 - from);
                boolean add = random.nextBoolean();
                if (add) {
                    intervals.add(from, to);
                } else {
                    intervals.remove(from, to);
                }
                Arrays.fill(in, from, to, add);
                assertThat(intervals.missing(0, LENGTH)).isEqualTo(missing(in, 0, LENGTH));
                int begin = random.nextInt(LENGTH);
                int end = begin + random.nextInt(LENGTH - begin);
                assertThat(intervals.missing(begin, end)).isEqualTo(missing(in, begin, end));
            }
        }
    }
}

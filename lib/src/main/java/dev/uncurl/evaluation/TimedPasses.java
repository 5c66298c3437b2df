package dev.uncurl.evaluation;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;

/**
 * Times passes of several subjects in turn: one pass of each per repeat, and each repeat begins with the next subject. So
 * every subject is measured in every stretch of time and at every place of the order equally often (if the number of
 * repeats is a multiple of that of subjects), and a clock rate that drifts does not rank them.
 */
final class TimedPasses {
    /** Something whose passes are timed. */
    interface Subject {
        void pass();

        /** Nanoseconds by part, of all passes so far; the same parts whenever it is called. */
        Map<String, Long> partNanos();
    }

    private final List<? extends Subject> subjects;
    private final LongSupplier nanoTime;

    /** @param nanoTime the clock, {@link System#nanoTime} except in tests */
    TimedPasses(List<? extends Subject> subjects, LongSupplier nanoTime) {
        this.subjects = subjects;
        this.nanoTime = nanoTime;
    }

    /**
     * @param warmup rounds before the timed ones, in the same order; not part of the result
     * @param repeats timed rounds
     * @return the times of each subject, in the order of the subjects
     */
    List<PassTimes> measure(int warmup, int repeats) {
        for (int round = 0; round < warmup; round++) {
            inTurn(round).forEach(subject -> subjects.get(subject).pass());
        }
        List<Times> times = subjects.stream().map(subject -> new Times(repeats)).toList();
        for (int round = 0; round < repeats; round++) {
            int repeat = round;
            inTurn(round).forEach(subject -> times.get(subject).time(subjects.get(subject), repeat, nanoTime));
        }
        return times.stream()
                .map(all -> new PassTimes(all.nanos, all.partNanos))
                .toList();
    }

    private static final class Times {
        private final long[] nanos;
        private final Map<String, long[]> partNanos = new TreeMap<>();

        Times(int repeats) {
            nanos = new long[repeats];
        }

        void time(Subject subject, int repeat, LongSupplier nanoTime) {
            Map<String, Long> before = subject.partNanos();
            long start = nanoTime.getAsLong();
            subject.pass();
            nanos[repeat] = nanoTime.getAsLong() - start;
            subject.partNanos()
                    .forEach((part, sum) -> partNanos.computeIfAbsent(part, name -> new long[nanos.length])[repeat] =
                            sum - before.getOrDefault(part, 0L));
        }
    }

    private IntStream inTurn(int round) {
        int count = subjects.size();
        return IntStream.range(0, count).map(place -> (place + round) % count);
    }
}

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

        /** Nanoseconds by part, of all passes so far. */
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
        List<Map<String, Long>> before = subjects.stream()
                .map(subject -> Map.copyOf(subject.partNanos()))
                .toList();
        long[][] nanos = new long[subjects.size()][repeats];
        for (int round = 0; round < repeats; round++) {
            int repeat = round;
            inTurn(round).forEach(subject -> {
                long start = nanoTime.getAsLong();
                subjects.get(subject).pass();
                nanos[subject][repeat] = nanoTime.getAsLong() - start;
            });
        }
        return IntStream.range(0, subjects.size())
                .mapToObj(i -> new PassTimes(
                        nanos[i], spent(before.get(i), subjects.get(i).partNanos())))
                .toList();
    }

    private IntStream inTurn(int round) {
        int count = subjects.size();
        return IntStream.range(0, count).map(place -> (place + round) % count);
    }

    private static Map<String, Long> spent(Map<String, Long> before, Map<String, Long> after) {
        var spent = new TreeMap<String, Long>();
        after.forEach((part, nanos) -> spent.put(part, nanos - before.getOrDefault(part, 0L)));
        return spent;
    }
}

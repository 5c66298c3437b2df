package dev.uncurl.bench;

import java.io.IOException;

/** Timing of the benchmarks: work is repeated for two seconds to warm up, then timed; the best time counts. */
public final class BestOf {
    /** How often work is timed: system property bench.repeats, 5 by default. */
    public static final int REPEATS = Integer.getInteger("bench.repeats", 5);

    private static final long WARM_UP_NANOS = 2_000_000_000L;

    private BestOf() {}

    /** What is timed. */
    public interface Work {
        void run() throws IOException;
    }

    /** Seconds of the fastest of {@link #REPEATS} runs, after the warm-up. */
    public static double seconds(Work work) throws IOException {
        long end = System.nanoTime() + WARM_UP_NANOS;
        do {
            work.run();
        } while (System.nanoTime() < end);
        return seconds(REPEATS, work);
    }

    /** Seconds of the fastest of some runs, without a warm-up. */
    public static double seconds(int repeats, Work work) throws IOException {
        double best = Double.POSITIVE_INFINITY;
        for (int repeat = 0; repeat < repeats; repeat++) {
            long start = System.nanoTime();
            work.run();
            best = Math.min(best, (System.nanoTime() - start) / 1e9);
        }
        return best;
    }
}

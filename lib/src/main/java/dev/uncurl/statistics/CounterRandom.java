package dev.uncurl.statistics;

/**
 * Random numbers as a function of (seed, stream, index), so that they can be taken in any order and by any thread: the
 * SplitMix64 generator of Steele, Lea and Flood ("Fast splittable pseudorandom number generators", 2014), whose i-th output
 * is a mix of its start plus i times a constant.
 */
final class CounterRandom {
    private static final long GAMMA = 0x9E3779B97F4A7C15L;

    private final long start;

    /** @param stream any number; streams of one seed are independent */
    CounterRandom(long seed, long stream) {
        this.start = mix(mix(seed) + stream * GAMMA);
    }

    /** The first output is index 0. */
    long at(int index) {
        return mix(start + (index + 1L) * GAMMA);
    }

    /** A number from 0 to bound - 1; its probability differs from 1 / bound by less than 2^-32. */
    int below(int bound, int index) {
        return (int) ((at(index) >>> 32) * bound >>> 32);
    }

    long start() {
        return start;
    }

    private static long mix(long value) {
        long mixed = (value ^ value >>> 30) * 0xBF58476D1CE4E5B9L;
        mixed = (mixed ^ mixed >>> 27) * 0x94D049BB133111EBL;
        return mixed ^ mixed >>> 31;
    }
}

package dev.uncurl.jobs.tokenize;

/**
 * The order of packed sequences: by a hash of the seed, the unit and the position in the unit. It depends on nothing
 * else.
 */
final class Shuffle {
    private Shuffle() {}

    /** Returns 63 uniform bits, which are the same for the same sequence in every run. */
    static long order(long seed, int unit, int index) {
        return mix(mix(seed) ^ mix((long) unit << 32 | index & 0xffffffffL)) >>> 1;
    }

    /** Returns the bucket of a sequence. Buckets are equal ranges of the order, ascending. */
    static int bucket(long order, int buckets) {
        return (int) ((order >>> 32) * buckets >>> 31);
    }

    /**
     * Returns the rank of an example in a mixture, by the first 64 bits of its content hash; equals Mixture.rank of
     * lib.
     */
    static long rank(long seed, long contentPrefix) {
        long z = contentPrefix ^ seed * 0x9e3779b97f4a7c15L;
        return mix(z - 0x9e3779b97f4a7c15L);
    }

    /** The finaliser of SplitMix64. */
    private static long mix(long value) {
        long z = value + 0x9e3779b97f4a7c15L;
        z = (z ^ z >>> 30) * 0xbf58476d1ce4e5b9L;
        z = (z ^ z >>> 27) * 0x94d049bb133111ebL;
        return z ^ z >>> 31;
    }
}

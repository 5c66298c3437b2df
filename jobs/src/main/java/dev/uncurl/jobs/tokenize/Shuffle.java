package dev.uncurl.jobs.tokenize;

/** The order of packed sequences: by a hash of seed, unit and place in the unit, so that nothing else moves them. */
final class Shuffle {
    private Shuffle() {}

    /** 63 uniform bits; the same sequence has the same ones in every run. */
    static long order(long seed, int unit, int index) {
        return mix(mix(seed) ^ mix((long) unit << 32 | index & 0xffffffffL)) >>> 1;
    }

    /** Buckets are equal ranges of the order, ascending. */
    static int bucket(long order, int buckets) {
        return (int) ((order >>> 32) * buckets >>> 31);
    }

    /** The order in which a mixture takes examples, by the first bits of their content hash: as corpus.Mixture ranks. */
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

package dev.uncurl.jobs.cluster;

/** Numbers that all ranks compute alike, and that differ for different runs and groups. */
final class Numbers {
    private Numbers() {}

    /** The number of an attempt of a stage of an application. */
    static long ofRun(String application, int stage, int attempt) {
        long number = 0;
        for (int i = 0; i < application.length(); i++) {
            number = mixed(number ^ application.charAt(i));
        }
        return mixed(number ^ ((long) stage << 32 | attempt));
    }

    /**
     * The number of a group.
     *
     * @param ranks of the run, in the order of the group
     * @param count how many groups of the same ranks there are in the same parent, this one included
     */
    static long ofGroup(long parent, int[] ranks, int count) {
        long number = mixed(parent ^ count);
        for (int rank : ranks) {
            number = mixed(number ^ rank);
        }
        return number;
    }

    /** One step of SplitMix64: each bit of the result depends on all of the value. */
    private static long mixed(long value) {
        long z = value + 0x9e3779b97f4a7c15L;
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }
}

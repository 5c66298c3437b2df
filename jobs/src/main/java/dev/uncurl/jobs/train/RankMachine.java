package dev.uncurl.jobs.train;

/**
 * What a rank can do. The update of a rank's slice is left out: it moves 28 bytes per parameter of the slice, which took less than
 * 2% of a step wherever it was measured.
 *
 * @param operationsPerSecond floating-point operations of a whole training step over its time, as in {@link StepCost}
 * @param bytesPerSecond nominal rate of the rank's network, in each direction
 */
record RankMachine(double operationsPerSecond, double bytesPerSecond) {
    /**
     * The share of a network's rate that sums reach. CollectivesBench, 22 November 2026: 0.95 of what two sockets move, additions
     * included; sockets reach some 0.95 of the line.
     */
    private static final double OF_NOMINAL = 0.9;

    /** Seconds of an exchange of a few numbers between two ranks of one machine under load: CollectivesBench, 0.25 to 0.4 ms. */
    private static final double LATENCY = 0.3e-3;

    /**
     * Seconds of a core that a rank spends on a message to one more rank and on its answer. ManyRanksBench, 26 November 2026, under
     * load: 32 ranks over Spark's transport on two cores, 9 operations a step, 992 messages each, 0.47 s a step.
     */
    private static final double MESSAGE = 80e-6;

    static RankMachine of(double gigaflops, double gigabits) {
        return new RankMachine(gigaflops * 1e9, gigabits * 1e9 / 8);
    }

    double computeSeconds(StepCost cost) {
        return cost.operations() / operationsPerSecond;
    }

    /** As if nothing of it was hidden behind computation. */
    double exchangeSeconds(StepCost cost) {
        return cost.sent() / (OF_NOMINAL * bytesPerSecond)
                + cost.sums() * begin(cost.ranks())
                + cost.numbers() * LATENCY * rounds(cost.ranks())
                + cost.groupExchanges() * begin(cost.expertParallel());
    }

    private static double begin(int ranks) {
        return LATENCY + MESSAGE * Math.max(0, ranks - 2);
    }

    /** Messages one after another that bring a number of each rank to all. */
    private static int rounds(int ranks) {
        return Integer.SIZE - Integer.numberOfLeadingZeros(ranks - 1);
    }

    double seconds(StepCost cost) {
        return computeSeconds(cost) + exchangeSeconds(cost);
    }
}

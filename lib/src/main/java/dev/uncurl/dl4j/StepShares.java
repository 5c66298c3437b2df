package dev.uncurl.dl4j;

import java.io.Serializable;

/**
 * How the sequences of a step are divided: in their order into micro-steps of ranks * microBatch sequences (the last may have
 * fewer), and each micro-step, in order and as evenly as possible, among the ranks. So a micro-step has the same sequences for
 * any number of ranks with the same product.
 *
 * @param batch sequences of one step, over all ranks
 * @param microBatch largest number of sequences that a rank computes at a time
 */
public record StepShares(int batch, int ranks, int microBatch) implements Serializable {
    public StepShares {
        if (ranks < 1 || microBatch < 1 || batch < ranks) {
            throw new IllegalArgumentException(
                    batch + " sequences cannot be divided among " + ranks + " ranks, " + microBatch + " at a time");
        }
    }

    private long microStep() {
        return (long) ranks * microBatch;
    }

    /** Number of micro-steps of a step. */
    public int microSteps() {
        return Math.toIntExact((batch + microStep() - 1) / microStep());
    }

    /**
     * First sequence of a rank in a micro-step, counted from the first of the step; that of rank {@code ranks} is the end of
     * the micro-step.
     */
    private int begin(int microStep, int rank) {
        long from = microStep * microStep();
        long sequences = Math.min(microStep(), batch - from);
        return (int) (from + sequences * rank / ranks);
    }

    /** [S] number of sequences of a rank in each micro-step; in the first at least one, in the last possibly none. */
    public int[] rows(int rank) {
        int[] rows = new int[microSteps()];
        for (int step = 0; step < rows.length; step++) {
            rows[step] = begin(step, rank + 1) - begin(step, rank);
        }
        return rows;
    }

    /** The rank that computes a sequence. @param sequence counted from the first one of the step */
    public int rank(int sequence) {
        int microStep = (int) (sequence / microStep());
        int rank = 0;
        while (begin(microStep, rank + 1) <= sequence) {
            rank++;
        }
        return rank;
    }
}

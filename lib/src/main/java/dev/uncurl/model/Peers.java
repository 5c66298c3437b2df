package dev.uncurl.model;

/**
 * The ranks that compute a micro-step together. Each has some of its sequences: those of a rank come before those of the next
 * one. Balance loss, z-loss and the capacity of experts are functions of all their tokens.
 */
public interface Peers {
    /** A process that computes alone. */
    Peers NONE = new Peers() {
        @Override
        public int rank() {
            return 0;
        }

        @Override
        public double[][] gather(double[] own) {
            return new double[][] {own};
        }
    };

    /** Number of this rank, from 0. */
    int rank();

    /**
     * The values of every rank, in the order of the ranks, with the same bits on all of them. All ranks must call it the same
     * number of times, each with as many values as the others.
     */
    double[][] gather(double[] own);
}

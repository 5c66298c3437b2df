package dev.uncurl.model;

import dev.uncurl.kernel.Matrix;

/**
 * The ranks that compute a micro-step together. Each has some of its sequences: those of a rank come before those of the next
 * one. Balance loss, z-loss and the capacity of experts are functions of all their tokens. If the experts are divided
 * ({@link dev.uncurl.model.spec.ExpertShare}), successive ranks are a group, whose members hold all experts together.
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

        @Override
        public void exchange(Matrix send, int[] sendRows, Matrix receive, int[] receiveRows) {
            throw new IllegalStateException("The experts of this model are divided: a pass needs the other ranks");
        }
    };

    /** Number of this rank, from 0. */
    int rank();

    /**
     * The values of every rank, in the order of the ranks, with the same bits on all of them. All ranks must call it the same
     * number of times, each with as many values as the others.
     */
    double[][] gather(double[] own);

    /**
     * Sends rows to each member of this rank's group and receives rows from each. They are one after another in the order of the
     * members, from the first row of the matrix on. All members must call it at the same time.
     *
     * @param sendRows [members] rows for each member
     * @param receive another matrix with as many columns
     * @param receiveRows [members] rows from each member: what that one sends to this one
     */
    void exchange(Matrix send, int[] sendRows, Matrix receive, int[] receiveRows);
}

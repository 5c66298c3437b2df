package dev.uncurl.collective;

/**
 * What one rank does together with all others. Every rank calls the same operations in the same order with the same
 * lengths, bounds and roots (of {@link #allToAll} and {@link #gather}: with lengths of its own), from one thread at a
 * time; a group may be used by a thread of its own, so that it exchanges while the ranks go on. An operation returns when this rank may change and read its ranges; other ranks may still be at work.
 *
 * <p>Sums are single-precision sums in the order of ranks, ((v0 + v1) + v2) + ..., whatever the bounds and the
 * implementation; so all ranks, all runs and all implementations get the same bits.
 *
 * <p>No operation waits for ever: when a rank has failed, has closed or does not come within the deadline, all others
 * get a {@link LostRankException} that names it. After any exception of an operation, only {@link #close} is possible.
 */
public interface Collectives extends AutoCloseable {
    /** This rank's number, from 0. */
    int rank();

    /** The number of ranks. */
    int size();

    /** Where the caller is, such as "step 12": part of the message when a rank is lost. Groups have it too. */
    void at(String place);

    /** Replaces each element by its sum over all ranks. */
    default void allReduce(FloatRange values) {
        long[] bounds = Bounds.even(values.length(), size());
        reduceScatter(values, bounds);
        allGather(values, bounds);
    }

    /**
     * Replaces the elements of this rank's slice by their sums over all ranks; the other elements are undefined
     * afterwards.
     *
     * @param bounds slices as in {@link Bounds}
     */
    void reduceScatter(FloatRange values, long[] bounds);

    /**
     * Sends this rank's slice to all ranks and receives theirs.
     *
     * @param bounds slices as in {@link Bounds}
     */
    void allGather(FloatRange values, long[] bounds);

    /**
     * Sends a part of {@code send} to each rank and receives one from each. Parts stand one after another in the order
     * of ranks, from the beginning of the range; what follows them in the range is not touched.
     *
     * @param sendCounts [size] floats for each rank
     * @param receive does not overlap {@code send}
     * @param receiveCounts [size] floats from each rank: what that rank sends to this one
     */
    void allToAll(FloatRange send, long[] sendCounts, FloatRange receive, long[] receiveCounts);

    /** Replaces all elements by those of rank {@code root}. */
    void broadcast(FloatRange values, int root);

    /** Sums over all ranks, added in the order of ranks; for few numbers, such as losses. */
    double[] sum(double[] values);

    /**
     * The values of all ranks, whose lengths may differ; for few numbers, such as counts and checksums.
     *
     * @return [size][]
     */
    long[][] gather(long[] values);

    /** Returns when every rank has called it. */
    void barrier();

    /**
     * A part of the ranks, such as those that share experts. Every member calls it in the same order; the others need
     * not.
     *
     * @param ranks distinct, this rank among them, in the order that they are numbered in the group
     */
    Collectives group(int[] ranks);

    /** What the operations so far have cost this rank. Groups have it too. */
    ExchangeCost cost();

    /**
     * Releases everything; ranks that wait for this one, now or later, fail. After an exception, memory of the ranges is
     * not to be released before. Closing a group does nothing.
     */
    @Override
    void close();
}

package dev.uncurl.exchange;

import dev.uncurl.collective.Arguments;
import dev.uncurl.collective.Bounds;
import dev.uncurl.collective.Collectives;
import dev.uncurl.collective.LostRankException;
import dev.uncurl.error.DeviceFailedException;
import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.kernel.device.ExchangeStoppedException;
import dev.uncurl.kernel.device.NcclRanks;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * Exchanges of one rank's device memory with the other ranks of a group, from device to device. Operations and the bits of sums are those of
 * {@link Collectives}, but they are only queued: memory may be changed and read after {@link #finish}. All ranks must queue the
 * same operations in the same order.
 *
 * <p>Another rank's failure shows in {@link #finish} or in the next operation: as a {@link LostRankException} with its name, which
 * the ranks of the host find out, or as a {@link DeviceFailedException} if all ranks are there and NCCL does not get on.
 */
public final class DeviceExchange {
    private final Collectives ranks;
    private final NcclRanks nccl;
    /** Since the last {@link #finish}, for messages. */
    private final Set<String> queued = new LinkedHashSet<>();

    /** @param ranks the same ranks on the host, used if an exchange fails; @param nccl closed by the caller */
    DeviceExchange(Collectives ranks, NcclRanks nccl) {
        this.ranks = ranks;
        this.nccl = nccl;
    }

    /** Takes the memory that sums need for slices of at most so many elements, so that no later sum takes any. */
    public void reserve(long slice) {
        run("reduceScatter", () -> nccl.reserve(slice));
    }

    /**
     * Replaces the elements of this rank's slice by their sums over all ranks, added in the order of ranks.
     *
     * @param from where the range begins that is divided
     * @param bounds slices as in {@link Bounds}
     */
    public void reduceScatter(FlatMemory values, long from, long[] bounds) {
        check(values, from, bounds);
        run("reduceScatter", () -> nccl.reduceScatter(values, from, bounds));
    }

    /** Sends this rank's slice to all ranks and receives theirs. Arguments as those of {@link #reduceScatter}. */
    public void allGather(FlatMemory values, long from, long[] bounds) {
        check(values, from, bounds);
        run("allGather", () -> nccl.allGather(values, from, bounds));
    }

    /** Replaces elements by those of rank {@code root}. */
    public void broadcast(FlatMemory values, long from, long length, int root) {
        Arguments.checkRoot(root, ranks.size());
        run("broadcast", () -> nccl.broadcast(values, from, length, root));
    }

    /**
     * Sends successive elements of a matrix to each rank, this one too, and receives successive ones from each.
     *
     * @param sendCounts [size] elements for each rank
     * @param receive another matrix
     * @param receiveCounts [size] elements from each rank: what that one sends to this one, which is not checked
     */
    public void allToAll(Matrix send, long[] sendCounts, Matrix receive, long[] receiveCounts) {
        Arguments.checkCounts(sendCounts, elements(send), ranks.size());
        Arguments.checkCounts(receiveCounts, elements(receive), ranks.size());
        run("allToAll", () -> nccl.allToAll(send, sendCounts, receive, receiveCounts));
    }

    private static long elements(Matrix matrix) {
        return (long) matrix.rows() * matrix.columns();
    }

    private void check(FlatMemory values, long from, long[] bounds) {
        long length = bounds[bounds.length - 1];
        Bounds.check(bounds, length, ranks.size());
        if (from < 0 || length > values.length() - from) {
            throw new IllegalArgumentException(
                    length + " floats from " + from + " are not within a memory of " + values.length());
        }
    }

    /** Waits for the operations so far. */
    public void finish() {
        run("", nccl::finish);
        queued.clear();
    }

    /** Bytes that this rank has sent to others so far. */
    long bytes() {
        return nccl.bytes();
    }

    private void run(String operation, Runnable work) {
        if (!operation.isEmpty()) {
            queued.add(operation);
        }
        try {
            work.run();
        } catch (ExchangeStoppedException e) {
            throw explain(e);
        }
    }

    /** All ranks that live come here sooner or later, as none gets on; the ranks of the host name those that do not. */
    private RuntimeException explain(ExchangeStoppedException stopped) {
        String operations = String.join(", ", queued);
        try {
            ranks.barrier();
        } catch (LostRankException lost) {
            return new LostRankException(
                    lost.ranks(),
                    lost.getMessage() + ", after " + operations + " between devices: " + stopped.getMessage(),
                    stopped);
        }
        return new DeviceFailedException(stopped.getMessage() + " (" + operations + "), although all ranks are there. "
                + DeviceExchanges.REMEDY);
    }
}

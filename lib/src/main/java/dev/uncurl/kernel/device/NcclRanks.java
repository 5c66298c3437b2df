package dev.uncurl.kernel.device;

import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.kernel.Matrix;

/**
 * One rank among GPUs that exchange values by NCCL. NCCL only moves them: a sum is of a function of {@code kernels.cu}, which adds in the order
 * of ranks, so that its bits are those of {@code dev.uncurl.collective.Loopback}. Operations are queued in the order of calls,
 * beside the kernels; each begins when what was asked of the GPU before it is done. Memory must not be changed or read before {@link
 * #finish} has returned. For the thread that uses the GPU. Never run on a GPU.
 */
public final class NcclRanks implements AutoCloseable {
    /** Values of other ranks that are held at a time until they have been added: 64 MiB. The same on all ranks. */
    private static final long HELD = 1L << 24;

    private static final int THREADS = 256;
    private static final int MOST_BLOCKS = 1024;

    private final CudaDevice device;
    private final SideStream side;
    private final NcclCommunicator communicator;
    private final Launch launch;
    private final int rank;
    private final int size;
    private long held;
    private long room;
    private long bytes;

    /** @param communicator started; closed by {@link #close} */
    NcclRanks(CudaDevice device, SideStream side, NcclCommunicator communicator, int rank, int size) {
        this.device = device;
        this.side = side;
        this.communicator = communicator;
        this.rank = rank;
        this.size = size;
        launch = new Launch(side::launch);
    }

    /** Bytes that this rank has sent to others so far. */
    public long bytes() {
        return bytes;
    }

    /** Bytes of the GPU's memory that are held for sums. */
    public long heldBytes() {
        return room * Float.BYTES;
    }

    /** Makes room for sums of slices that have at most so many elements. Without it, the first sum does. */
    public void reserve(long slice) {
        long wanted = Math.min(slice, most()) * (size - 1);
        if (wanted > room) {
            finish(); // what is queued may be using the room
            release();
            held = device.allocate(wanted * Float.BYTES);
            room = wanted;
        }
    }

    private void release() {
        if (room > 0) {
            device.free(held);
            room = 0;
        }
    }

    /** Elements of each slice that are exchanged at a time. */
    private long most() {
        return HELD / Math.max(1, size - 1);
    }

    /**
     * Replaces the elements of this rank's slice by their sums over all ranks, added in the order of ranks.
     *
     * @param from where the range begins whose slices these are
     * @param bounds [size + 1] slice r is [from + bounds[r], from + bounds[r + 1])
     */
    public void reduceScatter(FlatMemory values, long from, long[] bounds) {
        long longest = 0;
        for (int one = 0; one < size; one++) {
            longest = Math.max(longest, bounds[one + 1] - bounds[one]);
        }
        reserve(bounds[rank + 1] - bounds[rank]);
        side.follow();
        for (long start = 0; start < longest; start += most()) {
            long at = start;
            long own = part(bounds, rank, at);
            communicator.group("a sum over ranks", () -> {
                long place = held;
                for (int other = 0; other < size; other++) {
                    if (other != rank) {
                        send(address(values, from + bounds[other] + at), part(bounds, other, at), other);
                        receive(place, own, other);
                        place += own * Float.BYTES;
                    }
                }
            });
            add(address(values, from + bounds[rank] + at), own);
        }
        DeviceMemory.changed(values, from + bounds[rank], bounds[rank + 1] - bounds[rank]);
    }

    private long part(long[] bounds, int one, long start) {
        return Math.max(0, Math.min(most(), bounds[one + 1] - bounds[one] - start));
    }

    /** Adds what others have sent to the own values, all in the order of ranks. */
    private void add(long own, long length) {
        if (size > 1 && length > 0) {
            int blocks = (int) Math.min(MOST_BLOCKS, (length + THREADS - 1) / THREADS);
            launch.with(held)
                    .with(own)
                    .with(rank)
                    .with(size)
                    .with(length)
                    .run(DeviceFunction.ADD_RANKS, blocks, 1, THREADS);
        }
    }

    /** Sends this rank's slice to all others, and receives theirs. Arguments as those of {@link #reduceScatter}. */
    public void allGather(FlatMemory values, long from, long[] bounds) {
        side.follow();
        communicator.group("a gathering of slices", () -> {
            for (int other = 0; other < size; other++) {
                if (other != rank) {
                    send(address(values, from + bounds[rank]), bounds[rank + 1] - bounds[rank], other);
                    receive(address(values, from + bounds[other]), bounds[other + 1] - bounds[other], other);
                    DeviceMemory.changed(values, from + bounds[other], bounds[other + 1] - bounds[other]);
                }
            }
        });
    }

    /** Replaces elements by those of rank {@code root}. */
    public void broadcast(FlatMemory values, long from, long length, int root) {
        side.follow();
        communicator.group("a broadcast", () -> {
            for (int other = 0; other < size; other++) {
                if (rank == root && other != root) {
                    send(address(values, from), length, other);
                }
            }
            if (rank != root) {
                receive(address(values, from), length, root);
                DeviceMemory.changed(values, from, length);
            }
        });
    }

    /**
     * Sends successive elements of {@code send} to each rank, this one too, and receives successive ones from each.
     *
     * @param sendCounts [size] elements for each rank
     * @param receive another matrix
     * @param receiveCounts [size] elements from each rank: what that one sends to this one
     */
    public void allToAll(Matrix send, long[] sendCounts, Matrix receive, long[] receiveCounts) {
        side.follow();
        communicator.group("an exchange of rows", () -> {
            long source = DeviceMemory.address(send);
            long target = DeviceMemory.address(receive);
            for (int other = 0; other < size; other++) {
                send(source, sendCounts[other], other);
                receive(target, receiveCounts[other], other);
                source += sendCounts[other] * Float.BYTES;
                target += receiveCounts[other] * Float.BYTES;
            }
        });
        DeviceMemory.changed(receive);
    }

    private static long address(FlatMemory values, long element) {
        return DeviceMemory.address(values, element);
    }

    private void send(long address, long count, int peer) {
        if (count > 0) {
            communicator.send(address, count, peer);
            bytes += peer == rank ? 0 : count * Float.BYTES;
        }
    }

    private void receive(long address, long count, int peer) {
        if (count > 0) {
            communicator.receive(address, count, peer);
        }
    }

    /** Waits for all operations so far. @throws ExchangeStoppedException if another rank does not take part in time */
    public void finish() {
        communicator.finish();
    }

    /** Ends this rank's part at once. Other ranks must have finished their operations, or their operations fail. */
    @Override
    public void close() {
        communicator.close();
        release();
    }
}

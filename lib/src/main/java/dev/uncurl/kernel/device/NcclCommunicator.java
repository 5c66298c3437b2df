package dev.uncurl.kernel.device;

import com.sun.jna.Memory;
import dev.uncurl.error.DeviceFailedException;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntPredicate;

/**
 * A communicator of NCCL on one rank. NCCL never blocks: its state is asked for until it gets on, fails or the deadline has passed; then the
 * communicator is ended, which also ends what the GPU has not finished.
 *
 * <p>Calls of CUDA that wait for the whole GPU, such as the release of memory, wait for queued operations too, and so for other ranks. So that
 * none of them waits for ever, another thread ends the communicator when operations have not been finished for twice the deadline.
 */
final class NcclCommunicator {
    static final String REMEDY =
            ". Set NCCL_DEBUG=INFO to see why (NCCL_SOCKET_IFNAME chooses the network), or let ranks exchange through"
                    + " the host's memory: spark.uncurl.nccl off";

    /** Between two looks at what is not done yet. */
    private static final long PAUSE_NANOS = 20_000;

    private final CudaDevice device;
    private final SideStream side;
    private final ScheduledExecutorService watch;
    private final Duration deadline;
    /** NCCL writes it when the communicator has started. */
    private final Memory handle = new Memory(Long.BYTES);

    private long comm;
    private boolean started;
    private boolean over;
    /** Of operations that have not been finished; else null. */
    private ScheduledFuture<?> limit;
    /** The first result of a group's calls that is neither success nor "in progress". */
    private int refused;

    /** @param side where operations are queued; @param watch ends what hangs; @param deadline of each wait for other ranks */
    NcclCommunicator(CudaDevice device, SideStream side, ScheduledExecutorService watch, Duration deadline) {
        this.device = device;
        this.side = side;
        this.watch = watch;
        this.deadline = deadline;
    }

    void start(byte[] bytesOfId, int rank, int size) {
        device.context().enter();
        var id = new NcclId.ByValue();
        System.arraycopy(bytesOfId, 0, id.internal, 0, NcclId.BYTES);
        handle.setLong(0, 0);
        try (Memory config = Nccl.nonBlocking()) {
            int result = Nccl.ncclCommInitRankConfig(handle, size, id, rank, config);
            comm = handle.getLong(0);
            settle(result, "the start of " + size + " ranks");
            comm = handle.getLong(0);
            started = true;
        }
    }

    /** Queues operations of {@link #send} and {@link #receive} that depend on those of other ranks, and on each other. */
    void group(String what, Runnable operations) {
        requireLife(what);
        device.context().enter();
        refused = Nccl.ncclGroupStart();
        operations.run();
        int end = Nccl.ncclGroupEnd();
        if (limit == null) {
            limit = watch.schedule(this::abort, 2 * deadline.toNanos(), TimeUnit.NANOSECONDS);
        }
        settle(refused == 0 ? end : refused, what);
    }

    void send(long address, long count, int peer) {
        note(Nccl.ncclSend(address, count, Nccl.FLOAT, peer, comm, side.handle()));
    }

    void receive(long address, long count, int peer) {
        note(Nccl.ncclRecv(address, count, Nccl.FLOAT, peer, comm, side.handle()));
    }

    private void note(int result) {
        if (refused == 0 && result != Nccl.IN_PROGRESS) {
            refused = result;
        }
    }

    /** Waits for all operations so far. @throws ExchangeStoppedException if another rank does not take part in time */
    void finish() {
        if (limit != null) {
            requireLife("an exchange");
            side.mark();
            await("an exchange", state -> side.isDone());
            unlimit();
        }
    }

    private void unlimit() {
        if (limit != null) {
            limit.cancel(false);
            limit = null;
        }
    }

    private synchronized void requireLife(String what) {
        if (over && limit != null) {
            throw new ExchangeStoppedException(device.name() + ": " + what
                    + " was given up, as the GPU did not get on for " + 2 * seconds(deadline) + " s");
        }
        if (over) {
            throw new IllegalStateException("This communicator has ended");
        }
    }

    private static double seconds(Duration duration) {
        return duration.toMillis() / 1e3;
    }

    /** Waits until NCCL has queued what it was asked for, which may take other ranks. */
    private void settle(int result, String what) {
        if (result == Nccl.IN_PROGRESS) {
            await(what, state -> state == 0);
        } else if (result != 0) {
            throw failure(result, what);
        }
    }

    /** @param done whether the wait is over, given the state of the communicator: 0 or {@link Nccl#IN_PROGRESS} */
    private void await(String what, IntPredicate done) {
        // half at the start: a rank that fails there waits for the others, which then come while it does
        Duration most = started ? deadline : deadline.dividedBy(2);
        long begin = System.nanoTime();
        while (true) {
            int state = state();
            if (state != 0 && state != Nccl.IN_PROGRESS) {
                throw failure(state, what);
            }
            if (done.test(state)) {
                return;
            }
            if (System.nanoTime() - begin > most.toNanos()) {
                abort();
                throw new ExchangeStoppedException(
                        device.name() + ": NCCL did not finish " + what + " within " + seconds(most) + " s");
            }
            if (Thread.currentThread().isInterrupted()) {
                abort();
                throw new CancellationException(device.name() + ": interrupted in " + what);
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    private synchronized int state() {
        if (over) {
            return Nccl.REMOTE_ERROR;
        }
        int[] result = new int[1];
        int asked = Nccl.ncclCommGetAsyncError(comm, result);
        return asked == 0 ? result[0] : asked;
    }

    private RuntimeException failure(int result, String what) {
        String how = "NCCL failed in " + what + ": " + Nccl.describe(result);
        abort();
        if (result == Nccl.REMOTE_ERROR || result == Nccl.SYSTEM_ERROR) {
            return new ExchangeStoppedException(device.name() + ": " + how);
        }
        if (started && result == Nccl.CUDA_ERROR) {
            return device.context().failure(how);
        }
        return new DeviceFailedException(device.name() + ": " + how + REMEDY);
    }

    private synchronized void abort() {
        if (!over) {
            over = true;
            if (comm != 0) {
                Nccl.ncclCommAbort(comm); // whatever it returns, the communicator is not used any more
            }
        }
    }

    /** Ends this rank's part at once. */
    void close() {
        abort();
        unlimit();
    }
}

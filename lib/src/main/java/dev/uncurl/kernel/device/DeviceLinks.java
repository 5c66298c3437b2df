package dev.uncurl.kernel.device;

import com.sun.jna.NativeLibrary;
import dev.uncurl.error.DeviceFailedException;
import dev.uncurl.error.UserError;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;

/** What joins a GPU with those of other ranks: NCCL, found at run time. For the thread that uses the GPU. Never run on a GPU. */
public final class DeviceLinks {
    private final CudaDevice device;
    private final CudaLibraries libraries;
    /** Null before a communicator has been started. All of them use it, so that their operations have one order on all ranks. */
    private SideStream side;

    private ScheduledExecutorService watch;

    DeviceLinks(CudaDevice device, CudaLibraries libraries) {
        this.device = device;
        this.libraries = libraries;
    }

    /** The GPU's identity, which no other GPU of any machine has. NCCL refuses two ranks on one, also on two parts of one (MIG). */
    public UUID identity() {
        var bytes = new byte[2 * Long.BYTES];
        CudaStreams.bind(libraries.driver());
        CudaContext context = device.context();
        context.enter();
        context.check(CudaStreams.cuDeviceGetUuid(bytes, context.handle()), "say its UUID");
        ByteBuffer both = ByteBuffer.wrap(bytes);
        return new UUID(both.getLong(), both.getLong());
    }

    /** NCCL's version, such as 2.27.3. @throws UserError (usage) if it is not here or too old */
    public String version() {
        NativeLibrary library = libraries.nccl();
        int[] code = new int[1];
        try {
            Nccl.bind(library);
            if (Nccl.ncclGetVersion(code) == 0 && code[0] >= Nccl.OLDEST) {
                return Nccl.version(code[0]);
            }
        } catch (UnsatisfiedLinkError lacksAFunction) {
            throw tooOld(library, "it lacks " + lacksAFunction.getMessage(), lacksAFunction);
        }
        throw tooOld(library, "it is version " + Nccl.version(code[0]), null);
    }

    private static UserError tooOld(NativeLibrary library, String why, Throwable cause) {
        return UserError.usage(
                library.getFile() + " cannot be used: " + why,
                "Install NCCL " + Nccl.version(Nccl.OLDEST) + " or later (pip install nvidia-nccl-cu13).",
                cause);
    }

    /** The id of a new communicator, for all of its ranks. To be called on one of them, after {@link #version}. */
    public byte[] newId() {
        var id = new NcclId();
        int result = Nccl.ncclGetUniqueId(id);
        if (result != 0) {
            throw new DeviceFailedException(
                    "NCCL cannot begin a communicator: " + Nccl.describe(result) + NcclCommunicator.REMEDY);
        }
        return id.internal.clone();
    }

    /**
     * Starts a rank of a communicator. All of its ranks call it, after {@link #version}. The caller must close it before the device.
     *
     * @param id of {@link #newId}, the same on all ranks
     * @param deadline how long this and any later operation waits for other ranks
     * @throws ExchangeStoppedException if another rank does not come
     */
    public NcclRanks join(byte[] id, int rank, int size, Duration deadline) {
        if (id.length != NcclId.BYTES) {
            throw new IllegalArgumentException("An id of " + id.length + " bytes; NCCL's have " + NcclId.BYTES);
        }
        CudaStreams.bind(libraries.driver());
        if (side == null) {
            side = new SideStream(device);
            watch = Executors.newSingleThreadScheduledExecutor(work -> {
                var thread = new Thread(work, "exchanges of " + device.name());
                thread.setDaemon(true);
                return thread;
            });
        }
        var communicator = new NcclCommunicator(device, side, watch, deadline);
        communicator.start(id, rank, size);
        return new NcclRanks(device, side, communicator, rank, size);
    }

    /** @param failed whether the GPU has failed, so that nothing can be asked of it */
    void close(boolean failed) {
        if (side != null) {
            watch.shutdownNow();
            if (!failed) {
                side.close();
            }
            side = null;
        }
    }
}

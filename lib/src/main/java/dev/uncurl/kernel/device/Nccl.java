package dev.uncurl.kernel.device;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;

/** The functions of NCCL 2.14 or later (libnccl.so.2) that are used here, under its names. They return 0 or a result. */
final class Nccl {
    /** ncclUnhandledCudaError: a call to CUDA failed. */
    static final int CUDA_ERROR = 1;
    /** ncclSystemError, such as a connection that broke. */
    static final int SYSTEM_ERROR = 2;
    /** ncclRemoteError: another rank is gone. */
    static final int REMOTE_ERROR = 6;
    /** ncclInProgress: {@link #ncclCommGetAsyncError} will tell the result. */
    static final int IN_PROGRESS = 7;

    /** ncclFloat32 */
    static final int FLOAT = 7;

    /** The version that has all of these functions. */
    static final int OLDEST = 21400;

    private static final int CONFIG_BYTES = 24;
    private static final int CONFIG_MAGIC = 0xcafebeef;

    private static NativeLibrary bound;

    private Nccl() {}

    /** Must be called before any other function. @throws UnsatisfiedLinkError of a version that lacks one of them */
    static synchronized void bind(NativeLibrary library) {
        if (bound != library) { // other threads may be calling its functions
            Native.register(Nccl.class, library);
            bound = library;
        }
    }

    static native int ncclGetVersion(int[] version);

    static native String ncclGetErrorString(int result);

    /** @param comm 0: NCCL does not use it */
    static native String ncclGetLastError(long comm);

    static native int ncclGetUniqueId(NcclId id);

    /** @param comm written until the communicator has started, so that it must not move */
    static native int ncclCommInitRankConfig(Pointer comm, int size, NcclId.ByValue id, int rank, Pointer config);

    static native int ncclCommGetAsyncError(long comm, int[] result);

    static native int ncclCommAbort(long comm);

    static native int ncclGroupStart();

    static native int ncclGroupEnd();

    static native int ncclSend(long buffer, long count, int type, int peer, long comm, long stream);

    static native int ncclRecv(long buffer, long count, int type, int peer, long comm, long stream);

    /**
     * ncclConfig_t as version 2.14 had it, which later ones take too: size, magic, version and blocking = 0, so that no call waits for
     * other ranks. Later versions have their next field where this one has padding; it is set to "undefined".
     */
    static Memory nonBlocking() {
        var config = new Memory(CONFIG_BYTES);
        config.setLong(0, CONFIG_BYTES);
        config.setInt(8, CONFIG_MAGIC);
        config.setInt(12, OLDEST);
        config.setInt(16, 0);
        config.setInt(20, Integer.MIN_VALUE);
        return config;
    }

    /** Such as 2.27.3. */
    static String version(int code) {
        return code / 10000 + "." + code % 10000 / 100 + "." + code % 100;
    }

    /** What a result means, and NCCL's last error. */
    static String describe(int result) {
        String last = ncclGetLastError(0);
        String detail = last == null || last.isBlank() ? "" : ": " + last.strip();
        return ncclGetErrorString(result) + " (result " + result + ")" + detail;
    }
}

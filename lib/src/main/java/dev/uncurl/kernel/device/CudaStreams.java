package dev.uncurl.kernel.device;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;

/**
 * Functions of the CUDA driver API on streams, events and the identity of a GPU, under its names. They return 0 or an error. Only exchanges
 * between GPUs use them: what else computes on a GPU does not depend on them.
 */
final class CudaStreams {
    /** What was asked for is not done yet. */
    static final int NOT_READY = 600;

    private static NativeLibrary bound;

    private CudaStreams() {}

    /** Must be called before any other function. */
    static synchronized void bind(NativeLibrary library) {
        if (bound != library) { // other threads may be calling its functions
            Native.register(CudaStreams.class, library);
            bound = library;
        }
    }

    /** @param uuid [16] bytes, in the order in which a UUID is written */
    static native int cuDeviceGetUuid(byte[] uuid, int device);

    static native int cuStreamCreate(long[] stream, int flags);

    static native int cuStreamDestroy_v2(long stream);

    static native int cuStreamWaitEvent(long stream, long event, int flags);

    static native int cuEventCreate(long[] event, int flags);

    static native int cuEventDestroy_v2(long event);

    static native int cuEventRecord(long event, long stream);

    static native int cuEventQuery(long event);
}

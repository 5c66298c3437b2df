package dev.uncurl.kernel.device;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;

/** The functions of the CUDA driver API (libcuda.so.1) that are used here, under its names. They return 0 or an error. */
final class Cuda {
    static final int OUT_OF_MEMORY = 2;
    static final int NO_DEVICE = 100;

    /** Attributes of a device. */
    static final int COMPUTE_CAPABILITY_MAJOR = 75;

    static final int COMPUTE_CAPABILITY_MINOR = 76;

    private static NativeLibrary bound;

    private Cuda() {}

    /** Must be called before any other function. */
    static synchronized void bind(NativeLibrary library) {
        if (bound != library) { // other threads may be calling its functions
            Native.register(Cuda.class, library);
            bound = library;
        }
    }

    static native int cuInit(int flags);

    static native int cuDriverGetVersion(int[] version);

    static native int cuGetErrorName(int error, long[] text);

    static native int cuGetErrorString(int error, long[] text);

    static native int cuDeviceGetCount(int[] count);

    static native int cuDeviceGet(int[] device, int ordinal);

    static native int cuDeviceGetName(byte[] name, int length, int device);

    static native int cuDeviceGetAttribute(int[] value, int attribute, int device);

    static native int cuDevicePrimaryCtxRetain(long[] context, int device);

    static native int cuDevicePrimaryCtxRelease_v2(int device);

    static native int cuCtxSetCurrent(long context);

    static native int cuCtxSynchronize();

    static native int cuMemGetInfo_v2(long[] free, long[] total);

    static native int cuMemAlloc_v2(long[] address, long bytes);

    static native int cuMemFree_v2(long address);

    static native int cuMemcpyHtoD_v2(long target, Pointer source, long bytes);

    static native int cuMemcpyDtoH_v2(Pointer target, long source, long bytes);

    static native int cuMemsetD8_v2(long address, byte value, long bytes);

    static native int cuModuleLoadData(long[] module, Pointer image);

    static native int cuModuleUnload(long module);

    static native int cuModuleGetFunction(long[] function, long module, String name);

    static native int cuLaunchKernel(
            long function,
            int gridX,
            int gridY,
            int gridZ,
            int blockX,
            int blockY,
            int blockZ,
            int sharedBytes,
            long stream,
            Pointer arguments,
            Pointer extra);

    /** Name and description of an error, such as {@code CUDA_ERROR_NO_DEVICE (no CUDA-capable device is detected)}. */
    static String describe(int error) {
        long[] name = new long[1];
        long[] text = new long[1];
        if (cuGetErrorName(error, name) != 0 || cuGetErrorString(error, text) != 0 || name[0] == 0 || text[0] == 0) {
            return "error " + error;
        }
        return new Pointer(name[0]).getString(0) + " (" + new Pointer(text[0]).getString(0) + ")";
    }
}

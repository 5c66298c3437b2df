package dev.uncurl.kernel.device;

import com.sun.jna.Memory;
import com.sun.jna.NativeLibrary;
import dev.uncurl.error.DeviceFailedException;
import dev.uncurl.error.UserError;
import java.util.Collection;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;

/**
 * What a process opens of an NVIDIA GPU, and closes: the GPU's primary context, the kernels, compiled and loaded, and cuBLAS. For one
 * thread at a time.
 */
final class CudaContext {
    private static final int LEAST_CAPABILITY = 80;
    /** The first with a large workspace of cuBLAS. */
    private static final int HOPPER = 90;

    private final int ordinal;
    private final int handle;
    private final String name;
    private final String versions;
    private final int capability;

    private final long context;
    private final long module;
    private final Map<DeviceFunction, Long> functions = new EnumMap<>(DeviceFunction.class);
    private final CudaProducts products;

    private Thread current;
    private boolean failed;
    private boolean closed;

    /**
     * @param ordinal among the GPUs that this process sees, from 0
     * @param source of the kernels
     * @throws UserError (usage) if there is no driver, no such GPU, no cuBLAS or no NVRTC
     */
    CudaContext(CudaLibraries libraries, int ordinal, CudaDevice.Precision precision, String source) {
        this.ordinal = ordinal;
        Cuda.bind(libraries.driver());
        int driver = CudaDriver.start();
        handle = CudaDriver.find(ordinal);
        name = "GPU " + ordinal + " (" + CudaDriver.name(handle) + ")";
        capability = attribute(Cuda.COMPUTE_CAPABILITY_MAJOR) * 10 + attribute(Cuda.COMPUTE_CAPABILITY_MINOR);
        if (capability < LEAST_CAPABILITY) {
            throw UserError.usage(
                    name + " has compute capability " + capability / 10.0 + ", the kernels need "
                            + LEAST_CAPABILITY / 10.0 + " or later",
                    "Use a GPU of the Ampere generation (2020) or later, or the CPU.");
        }
        Nvrtc.bind(libraries.open("nvrtc", driver / 1000));
        NativeLibrary cuBlas = libraries.open("cublas", driver / 1000);
        CuBlas.bind(cuBlas);
        versions = "driver for CUDA " + driver / 1000 + "." + driver % 1000 / 10 + ", NVRTC " + Nvrtc.version();
        Memory image = Nvrtc.compile(source, capability);
        long[] out = new long[1];
        check(Cuda.cuDevicePrimaryCtxRetain(out, handle), "open");
        context = out[0];
        try {
            module = load(image);
            products = new CudaProducts(cuBlas, name, precision, memory(), libraryBytes(), this::failure);
        } catch (RuntimeException e) {
            Cuda.cuDevicePrimaryCtxRelease_v2(handle);
            throw e;
        }
    }

    private int attribute(int attribute) {
        int[] value = new int[1];
        check(Cuda.cuDeviceGetAttribute(value, attribute, handle), "attribute " + attribute);
        return value[0];
    }

    private long load(Memory image) {
        enter();
        long[] out = new long[1];
        check(Cuda.cuModuleLoadData(out, image), "load the kernels");
        long loaded = out[0];
        for (DeviceFunction function : DeviceFunction.values()) {
            check(Cuda.cuModuleGetFunction(out, loaded, function.symbol()), "find kernel " + function.symbol());
            functions.put(function, out[0]);
        }
        return loaded;
    }

    /** The GPU's number and model, for messages. */
    String name() {
        return name;
    }

    /** Of driver and libraries, for reports. */
    String versions() {
        return versions;
    }

    /** Bytes of cuBLAS's workspace, as its manual has them: 32 MiB, 4 MiB before Hopper. */
    long libraryBytes() {
        return (capability < HOPPER ? 4L : 32L) << 20;
    }

    /** The driver's handle of the GPU. */
    int handle() {
        return handle;
    }

    /** The driver's handle of a kernel. */
    long function(DeviceFunction function) {
        return functions.get(function);
    }

    CudaProducts products() {
        return products;
    }

    /** What of the GPU's memory is free, for messages. */
    String memory() {
        long[] free = new long[1];
        long[] total = new long[1];
        return Cuda.cuMemGetInfo_v2(free, total) == 0
                ? size(free[0]) + " of " + size(total[0]) + " are free"
                : "the free memory is unknown";
    }

    static String size(long bytes) {
        return bytes < 1e9
                ? String.format(Locale.ROOT, "%.1f MB", bytes / 1e6)
                : String.format(Locale.ROOT, "%.2f GB", bytes / 1e9);
    }

    /** Makes the context that of the calling thread. */
    void enter() {
        if (closed) {
            throw new IllegalStateException(name + " has been closed");
        }
        if (current != Thread.currentThread()) {
            check(Cuda.cuCtxSetCurrent(context), "make current");
            current = Thread.currentThread();
        }
    }

    /** Errors of kernels and of the GPU itself (ECC, lost) come here at the next call that waits, and stay until the process ends. */
    void check(int error, String what) {
        if (error != 0) {
            throw failure(what + ": " + Cuda.describe(error));
        }
    }

    /** Notes that the GPU has failed. */
    DeviceFailedException failure(String how) {
        failed = true;
        return new DeviceFailedException(
                name + " failed: " + how
                        + ". This process cannot use the GPU any more; if it happens again on this GPU, see dmesg for Xid messages");
    }

    boolean hasFailed() {
        return failed;
    }

    boolean isClosed() {
        return closed;
    }

    /**
     * To be called once.
     *
     * @param allocated memory that has not been released: other tasks of this process may use the context, in which it would stay
     */
    void close(Collection<Long> allocated) {
        if (failed) { // every call would fail, and hide why the first one did
            closed = true;
            Cuda.cuDevicePrimaryCtxRelease_v2(handle);
            return;
        }
        enter();
        closed = true;
        int freed = allocated.stream()
                .mapToInt(Cuda::cuMemFree_v2)
                .filter(error -> error != 0)
                .findFirst()
                .orElse(0);
        int status = products.close();
        int unloaded = Cuda.cuModuleUnload(module);
        int released = Cuda.cuDevicePrimaryCtxRelease_v2(handle);
        check(freed, "free memory");
        products.checkClosed(status);
        check(unloaded, "unload the kernels");
        check(released, "release GPU " + ordinal);
    }
}

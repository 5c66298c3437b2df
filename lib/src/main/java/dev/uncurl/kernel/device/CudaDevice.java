package dev.uncurl.kernel.device;

import com.sun.jna.Memory;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import dev.uncurl.error.DeviceFailedException;
import dev.uncurl.error.UserError;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * An NVIDIA GPU: the driver API for memory and launches, NVRTC for {@code kernels.cu}, cuBLAS for products, from CUDA 12 or 13,
 * found at run time by {@link CudaLibraries}. Uses the GPU's primary context and its default stream. For one thread at a time.
 * Experimental.
 */
public final class CudaDevice implements Device {
    /** How products are computed, but for those of routers. Everything else is in 32-bit floats, as are all matrices. */
    public enum Precision {
        /** In 32-bit floats. */
        FP32(CuBlas.COMPUTE_FLOAT),
        /** In tensor cores, operands rounded to 11 significant bits, sums in 32-bit floats. */
        TF32(CuBlas.COMPUTE_TF32),
        /** In tensor cores, operands rounded to 8 significant bits, sums in 32-bit floats. */
        BF16(CuBlas.COMPUTE_TF32);

        private final int compute;

        Precision(int compute) {
            this.compute = compute;
        }

        /** cuBLAS's type of computation. */
        int compute() {
            return compute;
        }
    }

    private static final int LEAST_CAPABILITY = 80;
    /** The first with a large workspace of cuBLAS. */
    private static final int HOPPER = 90;

    private final int ordinal;
    private final int device;
    private final String name;
    private final String versions;
    private final Precision precision;
    /** Such as 90 for compute capability 9.0. */
    private final int capability;

    private final long context;
    private final long module;
    private final CudaProducts products;
    private final DeviceLinks links;
    private final Map<DeviceFunction, Long> functions = new EnumMap<>(DeviceFunction.class);
    /** Memory that has not been released. */
    private final Set<Long> allocated = new HashSet<>();

    private Thread current;
    private long changes;
    private boolean failed;
    private boolean closed;

    private CudaDevice(CudaLibraries libraries, int ordinal, Precision precision, String source) {
        this.ordinal = ordinal;
        this.precision = precision;
        Cuda.bind(libraries.driver());
        int driver = CudaDriver.start();
        device = CudaDriver.find(ordinal);
        links = new DeviceLinks(this, libraries, device);
        name = "GPU " + ordinal + " (" + CudaDriver.name(device) + ")";
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
        check(Cuda.cuDevicePrimaryCtxRetain(out, device), "open");
        context = out[0];
        try {
            module = load(image);
            products = new CudaProducts(cuBlas, name, precision, memory(), this::failure);
        } catch (RuntimeException e) {
            Cuda.cuDevicePrimaryCtxRelease_v2(device);
            throw e;
        }
    }

    /**
     * @param ordinal among the GPUs that this process sees, from 0
     * @throws UserError (usage) if there is no driver, no such GPU, no cuBLAS or no NVRTC
     */
    public static CudaDevice open(int ordinal, Precision precision) {
        return open(CudaLibraries.here(), ordinal, precision, source());
    }

    /** As above with another {@code kernels.cu}. */
    static CudaDevice open(CudaLibraries libraries, int ordinal, Precision precision, String source) {
        return new CudaDevice(libraries, ordinal, precision, source);
    }

    /** {@code kernels.cu} */
    static String source() {
        try (var in = CudaDevice.class.getResourceAsStream("kernels.cu")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("kernels.cu cannot be read from the class path", e);
        }
    }

    private int attribute(int attribute) {
        int[] value = new int[1];
        check(Cuda.cuDeviceGetAttribute(value, attribute, device), "attribute " + attribute);
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

    @Override
    public String name() {
        return name;
    }

    @Override
    public boolean rounds() {
        return precision != Precision.FP32;
    }

    @Override
    public boolean takesBf16() {
        return precision == Precision.BF16;
    }

    @Override
    public long changes() {
        return changes;
    }

    /** The GPU's model, libraries and precision, without its number. */
    public String kind() {
        return "GPU " + name.substring(name.indexOf('(')) + ", " + versions + ", products in " + precision;
    }

    /** Number of GPUs that this process sees. @throws UserError (usage) if there is no driver or no GPU */
    public static int count() {
        Cuda.bind(CudaLibraries.here().driver());
        CudaDriver.start();
        return CudaDriver.count();
    }

    /** Versions of driver and libraries, for reports. */
    public String versions() {
        return versions;
    }

    @Override
    public long allocate(long bytes) {
        enter();
        long[] address = new long[1];
        int error = Cuda.cuMemAlloc_v2(address, bytes);
        if (error == Cuda.OUT_OF_MEMORY) {
            throw UserError.usage(
                    name + " has no room for another " + gigabytes(bytes) + ": " + memory(),
                    "Make the batch or micro-batch smaller, end other processes that use the GPU (nvidia-smi lists them), or use"
                            + " a GPU with more memory.");
        }
        check(error, "allocate " + gigabytes(bytes));
        allocated.add(address[0]);
        return address[0];
    }

    private String memory() {
        long[] free = new long[1];
        long[] total = new long[1];
        return Cuda.cuMemGetInfo_v2(free, total) == 0
                ? gigabytes(free[0]) + " of " + gigabytes(total[0]) + " are free"
                : "the free memory is unknown";
    }

    private static String gigabytes(long bytes) {
        return String.format(Locale.ROOT, "%.2f GB", bytes / 1e9);
    }

    @Override
    public void free(long address) {
        if (closed || failed) {
            return; // closing has released it, or nothing can be released any more before the process ends
        }
        enter();
        check(Cuda.cuMemFree_v2(address), "free memory");
        allocated.remove(address);
    }

    /** As cuBLAS's manual has it: 32 MiB, 4 MiB before Hopper. They are taken at the first product at the latest. */
    @Override
    public long libraryBytes() {
        return (capability < HOPPER ? 4L : 32L) << 20;
    }

    @Override
    public long freeBytes() {
        enter();
        long[] free = new long[1];
        check(Cuda.cuMemGetInfo_v2(free, new long[1]), "say how much memory is free");
        return free[0];
    }

    @Override
    public void upload(long target, Pointer source, long bytes) {
        enter();
        changes++;
        check(Cuda.cuMemcpyHtoD_v2(target, source, bytes), "copy to the GPU");
    }

    @Override
    public void download(Pointer target, long source, long bytes) {
        enter();
        check(Cuda.cuMemcpyDtoH_v2(target, source, bytes), "copy from the GPU");
    }

    @Override
    public void zero(long address, long bytes) {
        enter();
        changes++;
        if (bytes > 0) {
            check(Cuda.cuMemsetD8_v2(address, (byte) 0, bytes), "zero memory");
        }
    }

    @Override
    public void launch(DeviceFunction function, int gridX, int gridY, int threads, Pointer arguments) {
        launch(0, function, gridX, gridY, threads, arguments);
    }

    /** As above in another stream than the default one, which is 0. */
    void launch(long stream, DeviceFunction function, int gridX, int gridY, int threads, Pointer arguments) {
        enter();
        changes++;
        check(
                Cuda.cuLaunchKernel(
                        functions.get(function), gridX, gridY, 1, threads, 1, 1, 0, stream, arguments, Pointer.NULL),
                function.symbol());
    }

    @Override
    public void multiply(BatchedProduct product) {
        enter();
        changes++;
        products.multiply(product);
    }

    @Override
    public boolean takesTogether(List<BatchedProduct> all) {
        return products.takesTogether(all);
    }

    @Override
    public boolean multiplyTogether(List<BatchedProduct> all, long addresses) {
        enter();
        changes++;
        return products.multiplyTogether(all, addresses);
    }

    @Override
    public DeviceLinks links() {
        return links;
    }

    /** Says that something else than an operation of this class has changed memory. */
    void changed() {
        changes++;
    }

    @Override
    public void synchronize() {
        enter();
        check(Cuda.cuCtxSynchronize(), "finish its work");
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

    DeviceFailedException failure(String how) {
        failed = true;
        return new DeviceFailedException(
                name + " failed: " + how
                        + ". This process cannot use the GPU any more; if it happens again on this GPU, see dmesg for Xid messages");
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        if (failed) { // every call would fail, and hide why the first one did
            closed = true;
            links.close(true);
            Cuda.cuDevicePrimaryCtxRelease_v2(device);
            return;
        }
        enter();
        links.close(false);
        closed = true;
        // other tasks of this process may use the context: what is left in it would stay
        int freed = allocated.stream()
                .mapToInt(Cuda::cuMemFree_v2)
                .filter(error -> error != 0)
                .findFirst()
                .orElse(0);
        int status = products.close();
        int unloaded = Cuda.cuModuleUnload(module);
        int released = Cuda.cuDevicePrimaryCtxRelease_v2(device);
        check(freed, "free memory");
        products.checkClosed(status);
        check(unloaded, "unload the kernels");
        check(released, "release GPU " + ordinal);
    }
}

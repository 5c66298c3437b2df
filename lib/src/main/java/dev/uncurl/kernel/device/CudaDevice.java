package dev.uncurl.kernel.device;

import com.sun.jna.Pointer;
import dev.uncurl.error.UserError;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
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

    private final CudaContext context;
    private final Precision precision;
    private final DeviceLinks links;
    /** Memory that has not been released. */
    private final Set<Long> allocated = new HashSet<>();

    private CudaDevice(CudaContext context, CudaLibraries libraries, Precision precision) {
        this.context = context;
        this.precision = precision;
        links = new DeviceLinks(this, libraries);
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
        return new CudaDevice(new CudaContext(libraries, ordinal, precision, source), libraries, precision);
    }

    /** {@code kernels.cu} */
    static String source() {
        try (var in = CudaDevice.class.getResourceAsStream("kernels.cu")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("kernels.cu cannot be read from the class path", e);
        }
    }

    @Override
    public String name() {
        return context.name();
    }

    @Override
    public boolean rounds() {
        return precision != Precision.FP32;
    }

    @Override
    public boolean takesBf16() {
        return precision == Precision.BF16;
    }

    /** The GPU's model, libraries and precision, without its number. */
    public String kind() {
        return "GPU " + name().substring(name().indexOf('(')) + ", " + versions() + ", products in " + precision;
    }

    /** Number of GPUs that this process sees. @throws UserError (usage) if there is no driver or no GPU */
    public static int count() {
        Cuda.bind(CudaLibraries.here().driver());
        CudaDriver.start();
        return CudaDriver.count();
    }

    /** Versions of driver and libraries, for reports. */
    public String versions() {
        return context.versions();
    }

    @Override
    public long allocate(long bytes) {
        context.enter();
        long[] address = new long[1];
        int error = Cuda.cuMemAlloc_v2(address, bytes);
        if (error == Cuda.OUT_OF_MEMORY) {
            throw UserError.usage(
                    name() + " has no room for another " + CudaContext.size(bytes) + ": " + context.memory(),
                    "Make the batch or micro-batch smaller, train with expert-parallel, end other processes that use the GPU"
                            + " (nvidia-smi lists them), or use a GPU with more memory.");
        }
        context.check(error, "allocate " + CudaContext.size(bytes));
        allocated.add(address[0]);
        return address[0];
    }

    @Override
    public void free(long address) {
        if (context.isClosed() || context.hasFailed()) {
            return; // closing has released it, or nothing can be released any more before the process ends
        }
        context.enter();
        context.check(Cuda.cuMemFree_v2(address), "free memory");
        allocated.remove(address);
    }

    /** They are taken at the first product at the latest. */
    @Override
    public long libraryBytes() {
        return context.libraryBytes();
    }

    @Override
    public long freeBytes() {
        context.enter();
        long[] free = new long[1];
        context.check(Cuda.cuMemGetInfo_v2(free, new long[1]), "say how much memory is free");
        return free[0];
    }

    @Override
    public void upload(long target, Pointer source, long bytes) {
        context.enter();
        context.check(Cuda.cuMemcpyHtoD_v2(target, source, bytes), "copy to the GPU");
    }

    @Override
    public void download(Pointer target, long source, long bytes) {
        context.enter();
        context.check(Cuda.cuMemcpyDtoH_v2(target, source, bytes), "copy from the GPU");
    }

    @Override
    public void zero(long address, long bytes) {
        context.enter();
        if (bytes > 0) {
            context.check(Cuda.cuMemsetD8_v2(address, (byte) 0, bytes), "zero memory");
        }
    }

    @Override
    public void launch(DeviceFunction function, int gridX, int gridY, int threads, Pointer arguments) {
        launch(0, function, gridX, gridY, threads, arguments);
    }

    /** As above in another stream than the default one, which is 0. */
    void launch(long stream, DeviceFunction function, int gridX, int gridY, int threads, Pointer arguments) {
        context.enter();
        context.check(
                Cuda.cuLaunchKernel(
                        context.function(function), gridX, gridY, 1, threads, 1, 1, 0, stream, arguments, Pointer.NULL),
                function.symbol());
    }

    @Override
    public void multiply(BatchedProduct product) {
        context.enter();
        context.products().multiply(product);
    }

    @Override
    public boolean takesTogether(List<BatchedProduct> all) {
        return context.products().takesTogether(all);
    }

    @Override
    public boolean multiplyTogether(List<BatchedProduct> all, long memory) {
        context.enter();
        return context.products().multiplyTogether(all, memory);
    }

    @Override
    public DeviceLinks links() {
        return links;
    }

    @Override
    public void synchronize() {
        context.enter();
        context.check(Cuda.cuCtxSynchronize(), "finish its work");
    }

    CudaContext context() {
        return context;
    }

    @Override
    public void close() {
        if (!context.isClosed()) {
            links.close(context.hasFailed());
            context.close(allocated);
        }
    }
}

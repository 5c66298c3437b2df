package dev.uncurl.kernel.device;

import com.sun.jna.Pointer;
import dev.uncurl.processor.DeviceProcessor;
import dev.uncurl.processor.Processor;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/**
 * An emulated GPU for tests of other packages. Several threads may use several of them: the emulator computes for one at a time.
 */
public final class EmulatedGpu extends WrappedDevice {
    private static final ReentrantLock EMULATOR = new ReentrantLock();

    private final CudaDevice gpu;
    private final MeteredDevice meter;

    private EmulatedGpu(CudaDevice gpu, MeteredDevice meter) {
        super(meter);
        this.gpu = gpu;
        this.meter = meter;
    }

    /** Skips the test without a compiler, unless this is CI; begins with no memory in use, all of it free, and no faults. */
    public static void reset() {
        CompilerForTests.require();
        StandIn.reset();
    }

    /** One more of them. */
    public static EmulatedGpu open() {
        return open(0);
    }

    /** The GPU of this number, of as many as {@link #machine} has. */
    public static EmulatedGpu open(int ordinal) {
        return open(ordinal, CudaDevice.Precision.FP32);
    }

    /** As above, with other kernels. */
    public static EmulatedGpu open(int ordinal, CudaDevice.Precision precision) {
        return locked(() -> {
            var gpu = CudaDevice.open(StandIn.libraries(), ordinal, precision, CudaDevice.source());
            return new EmulatedGpu(gpu, new MeteredDevice(gpu));
        });
    }

    /** From now on there are so many GPUs, which share their memory. */
    public static void machine(int gpus) {
        StandIn.machine(gpus, 9, 13000);
    }

    /** The driver supports CUDA up to this version, such as 11080. */
    public static void driver(int cuda) {
        StandIn.machine(1, 9, cuda);
    }

    /** NCCL's version, such as 22703, and whether it never gets on. */
    public static void nccl(int version, boolean hangs) {
        StandIn.nccl(version, hangs);
    }

    /** The next call of a function of CUDA or NCCL returns this. */
    public static void fail(String function, int code) {
        StandIn.fail(function, code);
    }

    /** Communicators of NCCL that have not been ended. */
    public static long communicators() {
        return StandIn.communicators();
    }

    /** Bytes that NCCL has moved between ranks. */
    public static long moved() {
        return StandIn.moved();
    }

    /** For {@code -Duncurl.cuda.libraries} of other processes, which then find compiled kernels in it. */
    public static Path libraries() {
        reset();
        open().close();
        return StandIn.folder();
    }

    /** Blocks of memory of all emulated GPUs that have not been released. */
    public static long blocks() {
        return StandIn.blocks();
    }

    /** Their bytes. */
    public static long used() {
        return StandIn.used();
    }

    /** Makes all of them have so many bytes together. */
    public static void limit(long bytes) {
        StandIn.limit(bytes);
    }

    /** The next kernel fails, as with an error of the GPU's memory. */
    public static void failNextKernel() {
        failKernelAfter(0);
    }

    /** As above after so many kernels. */
    public static void failKernelAfter(long kernels) {
        StandIn.fail("kernel", 214, kernels);
    }

    /** As a task's. */
    public Processor processor() {
        return new DeviceProcessor(this, gpu.kind(), "test");
    }

    /** Transfers between host and device so far. */
    public long transfers() {
        return meter.calls("upload") + meter.calls("download");
    }

    /** Their bytes. */
    public double transferred() {
        return bytes("upload") + bytes("download");
    }

    /** The most bytes that were allocated at a time. */
    public long mostBytes() {
        return meter.mostBytes();
    }

    private double bytes(String kind) {
        return meter.calls(kind) == 0 ? 0 : meter.sums().get(kind).bytes;
    }

    private static <T> T locked(Supplier<T> work) {
        EMULATOR.lock();
        try {
            return work.get();
        } finally {
            EMULATOR.unlock();
        }
    }

    private static void locked(Runnable work) {
        locked(() -> {
            work.run();
            return null;
        });
    }

    @Override
    public long allocate(long bytes) {
        return locked(() -> device.allocate(bytes));
    }

    @Override
    public void free(long address) {
        locked(() -> device.free(address));
    }

    @Override
    public long freeBytes() {
        return locked(device::freeBytes);
    }

    @Override
    public void upload(long target, Pointer source, long bytes) {
        locked(() -> device.upload(target, source, bytes));
    }

    @Override
    public void download(Pointer target, long source, long bytes) {
        locked(() -> device.download(target, source, bytes));
    }

    @Override
    public void zero(long address, long bytes) {
        locked(() -> device.zero(address, bytes));
    }

    @Override
    public void launch(DeviceFunction function, int gridX, int gridY, int threads, Pointer arguments) {
        locked(() -> device.launch(function, gridX, gridY, threads, arguments));
    }

    @Override
    public boolean multiplyTogether(List<BatchedProduct> products, long addresses) {
        return locked(() -> device.multiplyTogether(products, addresses));
    }

    @Override
    public void multiply(BatchedProduct product) {
        locked(() -> device.multiply(product));
    }

    @Override
    public void synchronize() {
        locked(device::synchronize);
    }

    @Override
    public void close() {
        locked(device::close);
    }
}

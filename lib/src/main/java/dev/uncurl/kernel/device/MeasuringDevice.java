package dev.uncurl.kernel.device;

import com.sun.jna.Pointer;
import java.util.List;

/** Computes nothing and has no memory: it adds up what is allocated of a device like another one. */
final class MeasuringDevice extends WrappedDevice {
    private static final long ALIGNMENT = 256;

    private long next = ALIGNMENT;
    private long bytes;

    MeasuringDevice(Device device) {
        super(device);
    }

    /** Bytes of all blocks that have been allocated, released or not. */
    long bytes() {
        return bytes;
    }

    @Override
    public long allocate(long count) {
        long address = next;
        bytes += count;
        next += (count + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        return address;
    }

    @Override
    public long freeBytes() {
        return Long.MAX_VALUE;
    }

    @Override
    public void free(long address) {}

    @Override
    public void upload(long target, Pointer source, long count) {}

    @Override
    public void zero(long address, long count) {}

    @Override
    public void synchronize() {}

    @Override
    public void close() {}

    @Override
    public void download(Pointer target, long source, long count) {
        throw nothing();
    }

    @Override
    public void launch(DeviceFunction function, int gridX, int gridY, int threads, Pointer arguments) {
        throw nothing();
    }

    @Override
    public void multiply(BatchedProduct product) {
        throw nothing();
    }

    @Override
    public boolean takesTogether(List<BatchedProduct> products) {
        return false;
    }

    @Override
    public boolean multiplyTogether(List<BatchedProduct> products, long addresses) {
        throw nothing();
    }

    @Override
    public DeviceLinks links() {
        throw nothing();
    }

    private static IllegalStateException nothing() {
        return new IllegalStateException("This device only measures memory");
    }
}

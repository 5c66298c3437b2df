package dev.uncurl.kernel.device;

/** A block of a device's memory that grows with what is put into it. */
final class DeviceScratch implements AutoCloseable {
    private final Device device;
    private final Staging staging;
    private long address;
    private long size;

    DeviceScratch(Device device, Staging staging) {
        this.device = device;
        this.staging = staging;
    }

    /** Address of at least that many bytes. When the block grows, its contents are lost. */
    long reserve(long bytes) {
        if (bytes > size) {
            long larger = Math.max(256, bytes);
            close();
            address = device.allocate(larger);
            size = larger;
        }
        return address;
    }

    /** Bytes of the block. */
    long size() {
        return size;
    }

    /** Address of a copy of {@code values[from .. from + count - 1]}. */
    long put(int[] values, int from, int count) {
        long target = reserve((long) count * Integer.BYTES);
        staging.upload(target, values, from, count);
        return target;
    }

    /** Address of a copy of {@code values[0 .. count - 1]} as floats; 0 for null. */
    long put(double[] values, int count) {
        if (values == null) {
            return 0;
        }
        long target = reserve((long) count * Float.BYTES);
        staging.upload(target, values, count);
        return target;
    }

    /** Copies the first doubles of this block into {@code target[from ..]}. */
    void get(double[] target, int from, int count) {
        staging.download(address, target, from, count);
    }

    @Override
    public void close() {
        if (address != 0) {
            device.free(address);
            address = 0;
            size = 0;
        }
    }
}

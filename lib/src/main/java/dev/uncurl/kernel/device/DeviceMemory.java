package dev.uncurl.kernel.device;

import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.kernel.Matrix;
import org.nd4j.linalg.api.buffer.DataType;

/** A flat FLOAT array in a device's memory. */
final class DeviceMemory implements FlatMemory {
    private final Device device;
    private final Staging staging;
    private final long address;
    private final long length;
    /** Null as long as nothing has asked for it. */
    private RoundedTwin twin;
    /** Whether the twin is brought up to date as a whole. */
    private boolean weights;

    private boolean closed;

    /** The values are undefined. */
    DeviceMemory(Device device, Staging staging, long length) {
        this.device = device;
        this.staging = staging;
        this.length = length;
        address = device.allocate(Math.max(length, 1) * Float.BYTES);
    }

    /** Address of a matrix's first element, 0 for null. Its rows follow each other. */
    static long address(Matrix matrix) {
        if (matrix == null) {
            return 0;
        }
        if (matrix.isPadded()) {
            throw new IllegalStateException("Only products and cross-entropy take a matrix with " + matrix.leading()
                    + " elements from row to row of " + matrix.columns());
        }
        return addressOfRows(matrix);
    }

    /** Address of a matrix's first element; from one row to the next there are {@link Matrix#leading} elements. */
    static long addressOfRows(Matrix matrix) {
        if (!(matrix.memory() instanceof DeviceMemory memory)) {
            throw new IllegalStateException("A matrix in the host's memory was given to a device's kernels;"
                    + " allocate it by Kernels.allocate");
        }
        return memory.address(matrix.offset());
    }

    /** Address of an element of a device's memory. */
    static long address(FlatMemory memory, long element) {
        if (!(memory instanceof DeviceMemory own)) {
            throw new IllegalStateException("Memory of the host was given to an exchange between devices;"
                    + " allocate it by Kernels.allocate");
        }
        return own.address(element);
    }

    /** From now on has a copy in bfloat16, whose bytes are {@link RoundedTwin#bytes(long)}. */
    RoundedTwin twin() {
        if (twin == null) {
            twin = new RoundedTwin(device, address, length);
        }
        return twin;
    }

    /** As above for weights, which a pass uses all: when some are not right in the copy, all of these are rounded at once. */
    RoundedTwin keepRounded() {
        weights = true;
        return twin();
    }

    /**
     * Address of the first element of a matrix's copy in bfloat16, which is brought up to date. From one row to the next there are
     * {@link Matrix#leading} elements of it. The first such call for a memory without a copy allocates it. It may be called while
     * the arguments of a launch are collected.
     */
    static long rounded(Matrix matrix) {
        addressOfRows(matrix); // of a device, and not released
        DeviceMemory memory = (DeviceMemory) matrix.memory();
        RoundedTwin twin = memory.twin();
        if (memory.weights) {
            twin.update(0, memory.length);
        } else {
            twin.update(matrix.offset(), elements(matrix));
        }
        return twin.target(matrix.offset());
    }

    /** As {@link #rounded}, but for a kernel that writes the copy, whatever it has now; 0 if there is none, or for null. */
    static long target(Matrix matrix) {
        RoundedTwin twin = twin(matrix);
        return twin == null ? 0 : twin.target(matrix.offset());
    }

    /** To be called when a kernel has written both a matrix and {@link #target}, after {@link #changed}. */
    static void written(Matrix matrix) {
        RoundedTwin twin = twin(matrix);
        if (twin != null) {
            twin.written(matrix.offset(), elements(matrix));
        }
    }

    private static RoundedTwin twin(Matrix matrix) {
        return matrix != null && matrix.memory() instanceof DeviceMemory memory ? memory.twin : null;
    }

    /** With the room between rows, which counts as a part of the matrix. */
    private static long elements(Matrix matrix) {
        return (long) matrix.rows() * matrix.leading();
    }

    /** To be called when elements have been changed by anything but {@link #write} and {@link #zero}, which do so themselves. */
    void changed(long from, long count) {
        if (twin != null) {
            twin.changed(from, count);
        }
    }

    /** As above, of any memory of a device. */
    static void changed(FlatMemory memory, long from, long count) {
        if (memory instanceof DeviceMemory own) {
            own.changed(from, count);
        }
    }

    /** As above, for all elements of a matrix. */
    static void changed(Matrix matrix) {
        changed(matrix.memory(), matrix.offset(), elements(matrix));
    }

    private long address(long element) {
        if (closed) {
            throw new IllegalStateException("This device memory has been released");
        }
        return address + element * Float.BYTES;
    }

    @Override
    public long length() {
        return length;
    }

    @Override
    public DataType type() {
        return DataType.FLOAT;
    }

    @Override
    public boolean onHost() {
        return false;
    }

    @Override
    public void zero(long from, long count) {
        device.zero(address(from), count * Float.BYTES);
        changed(from, count);
    }

    @Override
    public void read(long from, float[] target, int count) {
        staging.download(address(from), target, count);
    }

    @Override
    public void write(long from, float[] source, int count) {
        staging.upload(address(from), source, count);
        changed(from, count);
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            device.free(address);
            if (twin != null) {
                twin.close();
            }
        }
    }
}

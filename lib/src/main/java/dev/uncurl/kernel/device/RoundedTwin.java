package dev.uncurl.kernel.device;

/**
 * A copy in bfloat16 of a memory of floats, element by element, and which of its elements are right. Kernels that write both keep it
 * right; the rest is rounded when it is needed.
 */
final class RoundedTwin {
    /** Elements that a block of threads rounds, ROUNDED of {@code kernels.cu}. */
    private static final int OF_BLOCK = 4096;

    private static final int THREADS = 256;

    private final Device device;
    /** Of its own: an operand may be asked for while the arguments of another launch are collected. */
    private final Launch launch;

    private final long source;
    private final long length;
    private long address;
    /** Elements that are those of the source, rounded. */
    private final Intervals right = new Intervals();

    /** @param source address of {@code length} floats */
    RoundedTwin(Device device, long source, long length) {
        this.device = device;
        this.source = source;
        this.length = length;
        launch = new Launch(device);
        address = device.allocate(bytes(length));
    }

    static long bytes(long length) {
        return Math.max(1, length) * Short.BYTES;
    }

    /** Bytes that it has. */
    long bytes() {
        return address == 0 ? 0 : bytes(length);
    }

    /** Elements of the source have changed, and those of the copy have not. */
    void changed(long at, long count) {
        right.remove(at, at + count);
    }

    /** Elements of the copy have become those of the source, rounded. */
    void written(long at, long count) {
        right.add(at, at + count);
    }

    /** Address of the copy of an element, whether it is right or not. */
    long target(long at) {
        return address + at * Short.BYTES;
    }

    /** Rounds those of the elements that are not right. */
    void update(long at, long count) {
        for (var gap : right.missing(at, at + count)) {
            long elements = gap.to() - gap.from();
            launch.with(source + gap.from() * Float.BYTES)
                    .with(target(gap.from()))
                    .with(elements)
                    .run(
                            DeviceFunction.ROUND_TO_BF16,
                            Math.toIntExact((elements + OF_BLOCK - 1) / OF_BLOCK),
                            1,
                            THREADS);
            written(gap.from(), elements);
        }
    }

    void close() {
        if (address != 0) {
            device.free(address);
            address = 0;
        }
    }
}

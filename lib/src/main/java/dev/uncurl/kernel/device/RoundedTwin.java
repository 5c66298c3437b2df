package dev.uncurl.kernel.device;

/**
 * A copy in bfloat16 of a memory of floats, element by element. It is brought up to date when it is needed, where the floats have
 * changed; AdamW writes both.
 */
final class RoundedTwin {
    /** Elements of a matrix's row, and before its first one, that are read at once: 16 bytes. */
    private static final int ALIGNMENT = 8;
    /** Elements that a block of threads rounds. */
    private static final int ROW = 4096;

    private static final int THREADS = 256;

    private final Device device;
    private final Launch launch;
    private final long source;
    private final long length;
    private long address;
    /** Elements from {@code from} to before {@code to}, if there are any, are not those of the source. */
    private long from;

    private long to;

    /** @param source address of {@code length} floats */
    RoundedTwin(Device device, Launch launch, long source, long length) {
        this.device = device;
        this.launch = launch;
        this.source = source;
        this.length = length;
        address = device.allocate(bytes(length));
        to = length;
    }

    static long bytes(long length) {
        return Math.max(1, length) * Short.BYTES;
    }

    /** Bytes that it has. */
    long bytes() {
        return address == 0 ? 0 : bytes(length);
    }

    /** Whether a row-major matrix of the memory can be an operand. Where rows begin anywhere, products are slow. */
    static boolean fits(long offset, int columns, int leading) {
        return offset % ALIGNMENT == 0 && columns % ALIGNMENT == 0 && leading % ALIGNMENT == 0;
    }

    /** Elements of the source have changed, and those of the copy have not. */
    void changed(long at, long count) {
        if (count > 0) {
            from = to == 0 ? at : Math.min(from, at);
            to = Math.max(to, at + count);
        }
    }

    /** Where the copy of elements is to be written by what changes them all; see {@link #written}. */
    long target(long at) {
        return address + at * Short.BYTES;
    }

    /** Elements of the source and of the copy have changed alike. */
    void written(long at, long count) {
        long end = at + count;
        if (at <= from && end >= to) {
            from = 0;
            to = 0;
        } else if (at <= from) {
            from = Math.max(from, end);
        } else if (end >= to) {
            to = Math.min(to, at);
        }
    }

    /** Address of the copy of an element and of all after it. */
    long address(long at) {
        if (to > 0) {
            long rows = (to - from) / ROW;
            round(from, (int) rows, ROW);
            long rest = from + rows * ROW;
            round(rest, rest < to ? 1 : 0, (int) (to - rest));
            from = 0;
            to = 0;
        }
        return target(at);
    }

    private void round(long at, int rows, int columns) {
        launch.with(source + at * Float.BYTES)
                .with(target(at))
                .with(columns)
                .with(columns)
                .with(columns)
                .run(DeviceFunction.ROUND_TO_BF16, rows, 1, THREADS);
    }

    void close() {
        if (address != 0) {
            device.free(address);
            address = 0;
        }
    }
}

package dev.uncurl.kernel.device;

import dev.uncurl.kernel.Matrix;
import dev.uncurl.kernel.device.BatchedProduct.Operand;

/**
 * Copies in bfloat16 of the two operands of a product, but for weights that are kept rounded. A copy is used again for the next
 * product if nothing has changed its matrix: the gradient of an output is an operand of two products, one after the other.
 */
final class RoundedOperands {
    /** Elements of which each row begins at a multiple: 128 bytes. */
    private static final int ALIGNMENT = 64;
    /** Bytes of which each copy begins at a multiple. */
    private static final long ALIGNED = 256;
    /** Elements that a thread reads before it writes any, as in {@code kernels.cu}. */
    private static final int UNDER_WAY = 4;

    private static final int MOST_THREADS = 256;

    /** Where a matrix is; unlike the matrix, it may outlive the memory. */
    private record Place(long address, int rows, int columns, int leading) {
        static Place of(Matrix matrix) {
            return new Place(DeviceMemory.addressOfRows(matrix), matrix.rows(), matrix.leading(), matrix.leading());
        }

        private long end() {
            return address + (long) rows * leading * Float.BYTES;
        }

        boolean overlaps(Place other) {
            return address < other.end() && other.address < end();
        }
    }

    /** A copy at the beginning of the room, or at its end. */
    private final class Copy {
        private final boolean atEnd;
        /** Null: of nothing any more. */
        Place source;

        Copy(boolean atEnd) {
            this.atEnd = atEnd;
        }

        void make(Place place) {
            source = place;
            int warps = (place.columns() + UNDER_WAY * Launch.WARP - 1) / (UNDER_WAY * Launch.WARP);
            launch.with(place.address())
                    .with(address())
                    .with(place.columns())
                    .with(place.leading())
                    .with(leading(place.columns()))
                    .run(DeviceFunction.ROUND_TO_BF16, place.rows(), 1, Math.min(MOST_THREADS, warps * Launch.WARP));
        }

        private long address() {
            return room.reserve(0) + (atEnd ? room.size() / ALIGNED * ALIGNED - bytes(source) : 0);
        }

        Operand operand() {
            return new Operand(address(), leading(source.columns()), 0);
        }
    }

    private final Device device;
    private final Launch launch;
    /** Has both copies. */
    private final DeviceScratch room;

    private final Copy first = new Copy(false);
    private final Copy second = new Copy(true);
    /** {@link Device#changes} when the copies were known to be right. */
    private long seen;

    private Operand left;
    private Operand right;

    RoundedOperands(Device device, Launch launch, DeviceScratch room) {
        this.device = device;
        this.launch = launch;
        this.room = room;
    }

    private static int leading(int columns) {
        return (columns + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    /** Bytes of a copy, a multiple of {@value #ALIGNED}. */
    static long bytes(int rows, int columns) {
        return ((long) rows * leading(columns) * Short.BYTES + ALIGNED - 1) / ALIGNED * ALIGNED;
    }

    private static long bytes(Place place) {
        return bytes(place.rows(), place.columns());
    }

    /** Makes {@link #left} and {@link #right} the operands of a product a b, of which none is empty. */
    void take(Matrix a, Matrix b) {
        if (device.changes() != seen) {
            first.source = null;
            second.source = null;
        }
        left = kept(a);
        right = kept(b);
        Place placeA = left == null ? Place.of(a) : null;
        Place placeB = right == null ? Place.of(b) : null;
        makeRoom(placeA, placeB);
        Copy ofA = find(placeA);
        Copy ofB = find(placeB);
        if (placeA != null && ofA == null) {
            ofA = make(placeA, ofB);
            ofB = find(placeB); // may be the same matrix
        }
        if (placeB != null && ofB == null) {
            ofB = make(placeB, ofA);
        }
        left = placeA == null ? left : ofA.operand();
        right = placeB == null ? right : ofB.operand();
        seen = device.changes();
    }

    /** Weights that are kept rounded; otherwise null. */
    static Operand kept(Matrix matrix) {
        RoundedTwin twin = DeviceMemory.twin(matrix);
        return twin == null || !RoundedTwin.fits(matrix.offset(), matrix.columns(), matrix.leading())
                ? null
                : new Operand(twin.address(matrix.offset()), matrix.leading(), 0);
    }

    private void makeRoom(Place a, Place b) {
        long needed = (a == null ? 0 : bytes(a)) + (b == null || b.equals(a) ? 0 : bytes(b));
        if (needed > room.size()) {
            first.source = null;
            second.source = null;
            room.reserve(needed);
        }
    }

    /** @param kept there is room for it too; null for none */
    private Copy make(Place place, Copy kept) {
        Copy copy = kept == first ? second : first;
        Copy other = copy == first ? second : first;
        if (other.source != null && bytes(place) + bytes(other.source) > room.size()) {
            other.source = null;
        }
        copy.make(place);
        return copy;
    }

    private Copy find(Place place) {
        return place == null ? null : place.equals(first.source) ? first : place.equals(second.source) ? second : null;
    }

    Operand left() {
        return left;
    }

    Operand right() {
        return right;
    }

    /** To be called after a product of the operands, which has written {@code c} and nothing else. */
    void written(Matrix c) {
        for (Copy copy : new Copy[] {first, second}) {
            if (copy.source != null && copy.source.overlaps(Place.of(c))) {
                copy.source = null;
            }
        }
        seen = device.changes();
    }
}

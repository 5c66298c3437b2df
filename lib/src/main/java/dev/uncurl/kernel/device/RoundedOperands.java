package dev.uncurl.kernel.device;

import dev.uncurl.kernel.Matrix;
import dev.uncurl.kernel.device.BatchedProduct.Operand;

/**
 * Copies in bfloat16 of the two operands of a product. One is used again for the next product if nothing has changed it: the
 * gradient of an output is an operand of two products, one after the other.
 */
final class RoundedOperands {
    /** Elements of which each row begins at a multiple: 128 bytes. */
    private static final int ALIGNMENT = 64;
    /** Elements that a thread reads before it writes any, as in {@code kernels.cu}. */
    private static final int UNDER_WAY = 4;

    private static final int MOST_THREADS = 256;

    /** Where a matrix is; unlike the matrix, it may outlive the memory. */
    private record Place(long address, int rows, int columns, int leading) {
        static Place of(Matrix matrix) {
            return new Place(DeviceMemory.addressOfRows(matrix), matrix.rows(), matrix.columns(), matrix.leading());
        }

        private long end() {
            return address + (long) rows * leading * Float.BYTES;
        }

        boolean overlaps(Place other) {
            return address < other.end() && other.address < end();
        }
    }

    private final class Copy {
        final DeviceScratch room;
        /** Null: of nothing any more. */
        Place source;

        Copy(DeviceScratch room) {
            this.room = room;
        }

        void make(Place place) {
            int warps = (place.columns() + UNDER_WAY * Launch.WARP - 1) / (UNDER_WAY * Launch.WARP);
            launch.with(place.address())
                    .with(room.reserve((long) place.rows() * leading(place) * Short.BYTES))
                    .with(place.columns())
                    .with(place.leading())
                    .with(leading(place))
                    .run(DeviceFunction.ROUND_TO_BF16, place.rows(), 1, Math.min(MOST_THREADS, warps * Launch.WARP));
            source = place;
        }

        Operand operand() {
            return new Operand(room.reserve(0), leading(source), 0);
        }
    }

    private final Device device;
    private final Launch launch;
    private final Copy first;
    private final Copy second;
    /** {@link Device#changes} when the copies were known to be right. */
    private long seen;

    private Operand left;
    private Operand right;

    RoundedOperands(Device device, Launch launch, DeviceScratch first, DeviceScratch second) {
        this.device = device;
        this.launch = launch;
        this.first = new Copy(first);
        this.second = new Copy(second);
    }

    private static int leading(Place place) {
        return (place.columns() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    /** Makes {@link #left} and {@link #right} the operands of a product a b, of which none is empty. */
    void take(Matrix a, Matrix b) {
        if (device.changes() != seen) {
            first.source = null;
            second.source = null;
        }
        Place placeA = Place.of(a);
        Place placeB = Place.of(b);
        Copy ofA = find(placeA);
        Copy ofB = find(placeB);
        if (ofA == null) {
            ofA = ofB == first ? second : first;
            ofA.make(placeA);
            ofB = find(placeB); // may be the same matrix
        }
        if (ofB == null) {
            ofB = ofA == first ? second : first;
            ofB.make(placeB);
        }
        left = ofA.operand();
        right = ofB.operand();
        seen = device.changes();
    }

    private Copy find(Place place) {
        return place.equals(first.source) ? first : place.equals(second.source) ? second : null;
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

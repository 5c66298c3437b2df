package dev.uncurl.kernel;

import dev.uncurl.kernel.vector.VectorKernels;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A row-major rows x columns slice of a flat memory (an arena, or a model's parameters). It keeps a reference to that
 * memory, because a pointer into ND4J's memory does not keep the memory alive. Several threads may use the memory; methods
 * that create other matrices must be called by one thread at a time.
 *
 * <p>Rows follow each other, but for a padded matrix, which has room between them; only the kernels that say so take one, and
 * its rows are read and written one at a time.
 */
public final class Matrix {
    private final FlatMemory memory;
    /** The memory as an ND4J array; null if it is not the host's. */
    private final INDArray flat;

    private final long offset;
    private final int rows;
    private final int columns;
    /** Elements from one row to the next. */
    private final int leading;

    private INDArray array;
    private volatile FloatPointer pointer;
    private volatile ByteBuffer bytes;
    private Matrix prefix;

    private Matrix(FlatMemory memory, long offset, int rows, int columns, int leading) {
        this.memory = memory;
        flat = memory instanceof HostMemory host ? host.array() : null;
        this.offset = offset;
        this.rows = rows;
        this.columns = columns;
        this.leading = rows > 1 ? leading : columns;
    }

    /**
     * @param flat any contiguous array
     * @param offset of the first element in {@code flat}, in elements
     */
    public static Matrix of(INDArray flat, long offset, int rows, int columns) {
        return of(new HostMemory(flat), offset, rows, columns);
    }

    /** @param offset of the first element in {@code flat}, in elements */
    public static Matrix of(FlatMemory flat, long offset, int rows, int columns) {
        return padded(flat, offset, rows, columns, columns);
    }

    /**
     * @param offset of the first element in {@code flat}, in elements
     * @param leading elements from one row to the next, at least {@code columns}
     */
    public static Matrix padded(FlatMemory flat, long offset, int rows, int columns, int leading) {
        boolean sizes = offset >= 0 && rows >= 0 && columns >= 0 && leading >= columns;
        if (!sizes || offset + (long) rows * leading > flat.length()) {
            throw new IllegalArgumentException("A matrix " + rows + " x " + columns + " at " + offset + ", " + leading
                    + " elements from row to row, does not fit an array of " + flat.length() + " elements");
        }
        return new Matrix(flat, offset, rows, columns, leading);
    }

    /** A matrix of zeros with memory of its own. */
    public static Matrix allocate(int rows, int columns) {
        try (var outside = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
            return of(Nd4j.create(DataType.FLOAT, Math.max(1L, (long) rows * columns)), 0, rows, columns);
        }
    }

    /** The memory that this is a slice of. */
    public FlatMemory memory() {
        return memory;
    }

    /** Index of the first element in {@link #memory()}. */
    public long offset() {
        return offset;
    }

    public int rows() {
        return rows;
    }

    public int columns() {
        return columns;
    }

    /** Elements from one row to the next: {@link #columns()}, unless the matrix is padded. */
    public int leading() {
        return leading;
    }

    /** Whether there is room between rows. A single row never has any. */
    public boolean isPadded() {
        return leading != columns;
    }

    /** This matrix with the room between its rows as further columns: [rows, {@link #leading()}], not padded. */
    public Matrix withRoom() {
        return isPadded() ? new Matrix(memory, offset, rows, leading, leading) : this;
    }

    /** Rows {@code from} to {@code from + count}, sharing this memory. */
    public Matrix rows(int from, int count) {
        if (from < 0 || count < 0 || from + count > rows) {
            throw new IllegalArgumentException("Rows " + from + " to " + (from + count) + " of " + rows);
        }
        return new Matrix(memory, offset + (long) from * leading, count, columns, leading);
    }

    /**
     * The first {@code count} rows. The last result is cached, since a training run requests the same rows repeatedly.
     */
    public Matrix first(int count) {
        if (count == rows) {
            return this;
        }
        if (prefix == null || prefix.rows != count) {
            prefix = rows(0, count);
        }
        return prefix;
    }

    /** As an ND4J array [rows, columns] on the same memory. */
    public INDArray array() {
        if (array == null) {
            checkHost();
            // not get() or slice(): on views with an offset they can come back empty in ND4J M2.1
            array = Nd4j.create(
                    flat.data(), new long[] {rows, columns}, new long[] {columns, 1}, flat.offset() + offset, 'c');
        }
        return array;
    }

    /** The first element in host memory; for {@link VectorKernels}. */
    public FloatPointer pointer() {
        if (pointer == null) {
            checkHost();
            if (flat.dataType() != DataType.FLOAT) {
                throw new IllegalStateException("VectorKernels work on FLOAT arrays, this one is " + flat.dataType());
            }
            var base = new FloatPointer(flat.data().pointer());
            // an address of its own instead of a position: functions that take any Pointer count positions in bytes
            FloatPointer first = base.getPointer(flat.offset() + offset);
            first.capacity((long) rows * columns);
            pointer = first;
        }
        return pointer;
    }

    /** The elements in host memory, native byte order; for {@link VectorKernels}. */
    public ByteBuffer bytes() {
        if (bytes == null) {
            if ((long) rows * columns > Integer.MAX_VALUE / Float.BYTES) {
                throw new IllegalStateException(
                        "A matrix " + rows + " x " + columns + " is over 2 GiB; use a smaller batch");
            }
            bytes = pointer().asByteBuffer().order(ByteOrder.nativeOrder());
        }
        return bytes;
    }

    private void checkHost() {
        if (flat == null) {
            throw new IllegalStateException(
                    "This matrix is in a device's memory, which only the device's kernels can use");
        }
        checkNotPadded();
    }

    private void checkNotPadded() {
        if (isPadded()) {
            throw new IllegalStateException("This matrix has " + columns + " columns and " + leading
                    + " elements from row to row; use its rows one at a time");
        }
    }

    private boolean hasPointer() {
        return bytes != null || pointer != null;
    }

    public void zero() {
        if (rows == 0 || columns == 0) {
            return;
        }
        checkNotPadded();
        if (flat == null) {
            memory.zero(offset, (long) rows * columns);
        } else if (hasPointer()) {
            Pointer.memset(pointer(), 0, (long) rows * columns * Float.BYTES);
        } else {
            array().assign(0);
        }
    }

    /** Copies all elements, row-major, into {@code target[0 ..]}. */
    public void read(double[] target) {
        checkNotPadded();
        int length = rows * columns;
        if (flat == null) {
            var copy = new float[length];
            memory.read(offset, copy, length);
            for (int i = 0; i < length; i++) {
                target[i] = copy[i];
            }
        } else if (hasPointer()) {
            ByteBuffer source = bytes();
            for (int i = 0; i < length; i++) {
                target[i] = source.getFloat(i << 2);
            }
        } else if (length > 0) {
            double[] copy = array().dup('c').data().asDouble();
            System.arraycopy(copy, 0, target, 0, length);
        }
    }

    /** Sets all elements, row-major, from {@code source[0 ..]}. */
    public void write(double[] source) {
        checkNotPadded();
        int length = rows * columns;
        if (flat == null) {
            var copy = new float[length];
            for (int i = 0; i < length; i++) {
                copy[i] = (float) source[i];
            }
            memory.write(offset, copy, length);
        } else if (hasPointer()) {
            ByteBuffer target = bytes();
            for (int i = 0; i < length; i++) {
                target.putFloat(i << 2, (float) source[i]);
            }
        } else if (length > 0) {
            double[] copy = source.length == length ? source : Arrays.copyOf(source, length);
            array().assign(Nd4j.createFromArray(copy).reshape(rows, columns).castTo(flat.dataType()));
        }
    }

    /** Copies all elements, row-major, into {@code target[0 ..]}. */
    public void read(float[] target) {
        int length = checkedLength(target);
        if (length == 0) {
            return;
        }
        if (flat == null) {
            memory.read(offset, target, length);
        } else if (KernelChoice.onHost() && flat.dataType() == DataType.FLOAT) {
            pointer().get(target, 0, length);
        } else {
            try (INDArray copy = array().dup('c')) {
                System.arraycopy(copy.data().asFloat(), 0, target, 0, length);
            }
        }
    }

    /** Sets all elements, row-major, from {@code source[0 ..]}. */
    public void write(float[] source) {
        int length = checkedLength(source);
        if (length == 0) {
            return;
        }
        if (flat == null) {
            memory.write(offset, source, length);
        } else if (KernelChoice.onHost() && flat.dataType() == DataType.FLOAT) {
            pointer().put(source, 0, length);
        } else {
            float[] exact = source.length == length ? source : Arrays.copyOf(source, length);
            try (INDArray copy = Nd4j.createFromArray(exact)) {
                array().assign(copy.reshape(rows, columns));
            }
        }
    }

    private int checkedLength(float[] values) {
        checkNotPadded();
        int length = Math.multiplyExact(rows, columns);
        if (values.length < length) {
            throw new IllegalArgumentException(values.length + " values for " + rows + " x " + columns);
        }
        return length;
    }
}

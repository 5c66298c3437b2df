package dev.uncurl.kernel.vector;

import static dev.uncurl.kernel.vector.VectorOps.SPECIES;
import static dev.uncurl.kernel.vector.VectorOps.WIDTH;
import static dev.uncurl.kernel.vector.VectorOps.get;
import static dev.uncurl.kernel.vector.VectorOps.load;
import static dev.uncurl.kernel.vector.VectorOps.put;

import dev.uncurl.kernel.Matrix;
import java.nio.ByteBuffer;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * Copies of one head's columns of a matrix [N, several heads], in scratch memory that {@link BlockProduct} reads: one row a
 * position, padded with zeros to {@code stride} columns, or transposed. For one thread.
 */
final class HeadRows {
    private final int size;
    private final int stride;

    /** @param size columns of the head */
    HeadRows(int size) {
        this.size = size;
        stride = VectorOps.roundUp(size, BlockProduct.COLUMNS);
    }

    int size() {
        return size;
    }

    int stride() {
        return stride;
    }

    /** Copies rows of a matrix, times {@code factor}, to the rows from {@code targetRow} on. */
    void copy(Matrix matrix, int row, int column, int rows, float factor, float[] target, int targetRow) {
        int whole = VectorOps.whole(size);
        ByteBuffer source = matrix.bytes();
        for (int i = 0; i < rows; i++) {
            int at = (row + i) * matrix.columns() + column;
            int to = (targetRow + i) * stride;
            for (int j = 0; j < whole; j += WIDTH) {
                load(source, at + j).mul(factor).intoArray(target, to + j);
            }
            for (int j = whole; j < size; j++) {
                target[to + j] = get(source, at + j) * factor;
            }
            Arrays.fill(target, to + size, to + stride, 0f);
        }
    }

    /** Copies rows of a matrix to columns of {@code target}, which has one row of {@code length} for each of the head's. */
    void transpose(Matrix matrix, int row, int column, int rows, float[] target, int targetColumn, int length) {
        ByteBuffer source = matrix.bytes();
        for (int i = 0; i < rows; i++) {
            int at = (row + i) * matrix.columns() + column;
            int to = targetColumn + i;
            for (int j = 0; j < size; j++) {
                target[to + j * length] = get(source, at + j);
            }
        }
    }

    /** Writes a row of scratch memory, times {@code factor}, into a row of a matrix. */
    void store(float[] source, int sourceRow, float factor, Matrix matrix, int row, int column) {
        int whole = VectorOps.whole(size);
        int at = sourceRow * stride;
        int to = row * matrix.columns() + column;
        ByteBuffer target = matrix.bytes();
        for (int j = 0; j < whole; j += WIDTH) {
            VectorOps.store(FloatVector.fromArray(SPECIES, source, at + j).mul(factor), target, to + j);
        }
        for (int j = whole; j < size; j++) {
            put(target, to + j, source[at + j] * factor);
        }
    }
}

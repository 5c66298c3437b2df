package dev.uncurl.kernel.vector;

import static dev.uncurl.kernel.vector.Operands.multiply;
import static dev.uncurl.kernel.vector.VectorOps.WIDTH;
import static dev.uncurl.kernel.vector.VectorOps.get;
import static dev.uncurl.kernel.vector.VectorOps.load;
import static dev.uncurl.kernel.vector.VectorOps.put;
import static dev.uncurl.kernel.vector.VectorOps.store;

import dev.uncurl.kernel.Attention.Segment;
import dev.uncurl.kernel.Matrix;
import java.nio.ByteBuffer;
import org.bytedeco.javacpp.FloatPointer;

/**
 * Attention of one head of one segment. Queries are processed in blocks of {@value #BLOCK} positions of the sequence, which
 * begin at multiples of {@value #BLOCK} whatever the segment has of them, against the keys of all positions up to the end of
 * the block. All are copied to scratch memory, with zeros at positions that the segment has no token for. So the shape of a
 * product, and the place of a token in it, follow from the token's position alone, and with them the bits of its output.
 * For one thread.
 */
final class SegmentAttention {
    /** A multiple of the rows that OpenBLAS computes together, see {@link RowPanels}. */
    private static final int BLOCK = 48;

    private final Softmax softmax = new Softmax();
    /** [BLOCK] sum of the exponentials of each row. */
    private final float[] sums = new float[BLOCK];

    private Matrix keys = Matrix.allocate(0, 0);
    private Matrix values = keys;
    private Matrix queries = keys;
    private Matrix scores = keys;
    private Matrix outputs = keys;

    private void reserve(int positions, int size) {
        if (keys.rows() < positions || keys.columns() != size) {
            keys = Matrix.allocate(positions, size);
            values = Matrix.allocate(positions, size);
            queries = Matrix.allocate(BLOCK, size);
            outputs = Matrix.allocate(BLOCK, size);
            scores = Matrix.allocate(BLOCK, (positions + WIDTH - 1) / WIDTH * WIDTH);
        }
    }

    /** @param head index of the head, of {@code heads} */
    void forward(Segment segment, int heads, int head, Matrix qkv, Matrix output) {
        int width = output.columns();
        int size = width / heads;
        int end = segment.prefixCount() + segment.count();
        int positions = (end + BLOCK - 1) / BLOCK * BLOCK;
        reserve(positions, size);
        int column = head * size;
        gather(qkv, segment, width + column, keys, positions);
        gather(qkv, segment, 2 * width + column, values, positions);
        for (int block = segment.prefixCount() / BLOCK * BLOCK; block < end; block += BLOCK) {
            int first = Math.max(block, segment.prefixCount());
            int last = Math.min(block + BLOCK, end);
            int row = segment.from() + first - segment.prefixCount();
            queries.zero();
            copy(qkv, row, column, last - first, queries, first - block, 0);
            attend(block, size);
            copy(outputs, first - block, 0, last - first, output, row, column);
        }
    }

    /** Overwrites {@code outputs} for the queries of a block that begins at position {@code first}. */
    private void attend(int first, int size) {
        int seen = first + BLOCK;
        int stride = scores.columns();
        float scale = (float) (1 / Math.sqrt(size));
        FloatPointer p = scores.pointer();
        FloatPointer query = queries.pointer();
        multiply(false, true, BLOCK, seen, size, scale, query, size, keys.pointer(), size, 0f, p, stride);
        for (int row = 0; row < BLOCK; row++) {
            sums[row] = softmax.exponentials(scores.bytes(), row * stride, first + row + 1, seen);
        }
        FloatPointer value = values.pointer();
        multiply(false, false, BLOCK, size, seen, 1f, p, stride, value, size, 0f, outputs.pointer(), size);
        for (int row = 0; row < BLOCK; row++) {
            Softmax.divide(outputs.bytes(), row * size, size, sums[row]);
        }
    }

    /** Columns of the tokens before the segment and of its own, then zeros up to {@code positions}. */
    private void gather(Matrix qkv, Segment segment, int column, Matrix target, int positions) {
        int before = segment.prefixCount();
        int end = before + segment.count();
        int size = target.columns();
        copy(qkv, segment.prefix(), column, before, target, 0, 0);
        copy(qkv, segment.from(), column, segment.count(), target, before, 0);
        Softmax.clear(target.bytes(), end * size, positions * size);
    }

    /** Copies as many columns as the narrower matrix has. */
    private static void copy(
            Matrix source, int row, int column, int rows, Matrix target, int targetRow, int targetColumn) {
        int width = Math.min(source.columns(), target.columns());
        int whole = VectorOps.whole(width);
        ByteBuffer from = source.bytes();
        ByteBuffer to = target.bytes();
        for (int i = 0; i < rows; i++) {
            int at = (row + i) * source.columns() + column;
            int targetAt = (targetRow + i) * target.columns() + targetColumn;
            for (int j = 0; j < whole; j += WIDTH) {
                store(load(from, at + j), to, targetAt + j);
            }
            for (int j = whole; j < width; j++) {
                put(to, targetAt + j, get(from, at + j));
            }
        }
    }
}

package dev.uncurl.kernel.vector;

import static dev.uncurl.kernel.vector.BlockProduct.COLUMNS;
import static dev.uncurl.kernel.vector.BlockProduct.ROWS;
import static dev.uncurl.kernel.vector.VectorOps.put;
import static dev.uncurl.kernel.vector.VectorOps.roundUp;

import dev.uncurl.kernel.Attention.Segment;
import dev.uncurl.kernel.Matrix;
import java.util.Arrays;
import java.util.List;

/**
 * Attention of one head. Queries are processed {@value BlockProduct#ROWS} positions of a sequence at a time, against the keys
 * of all positions up to the last of them; their scores stay in the first-level cache until they are multiplied with the
 * values. The bits of a token's output depend on the tokens that it sees alone. For one thread.
 */
final class HeadAttention {
    /**
     * What a pass reads and writes.
     *
     * @param logSumExp null if it is not wanted
     */
    record Pass(int heads, Matrix qkv, Matrix logSumExp, Matrix output) {
        /** D */
        int width() {
            return output.columns();
        }
    }

    private final Softmax softmax = new Softmax();
    /** [ROWS] the sum of each row's exponentials. */
    private final float[] sums = new float[ROWS];

    private final float[] logSumExps = new float[ROWS];

    private HeadRows head = new HeadRows(0);
    private int positions;
    private float[] queries;
    /** [size, positions] */
    private float[] keys;

    private float[] values;
    private float[] scores;
    private float[] outputs;

    private void reserve(int count, int size) {
        int padded = roundUp(count, ROWS);
        if (padded <= positions && head.size() == size) {
            return;
        }
        head = new HeadRows(size);
        positions = roundUp(padded, COLUMNS);
        queries = new float[ROWS * head.stride()];
        keys = new float[size * positions];
        values = new float[positions * head.stride()];
        scores = new float[ROWS * positions];
        outputs = new float[ROWS * head.stride()];
    }

    /**
     * @param segments that have the same tokens before them
     * @param index of the head
     */
    void forward(Pass pass, List<Segment> segments, int index) {
        int size = pass.width() / pass.heads();
        Segment first = segments.get(0);
        int longest = 0;
        for (int i = 0; i < segments.size(); i++) {
            longest = Math.max(longest, segments.get(i).count());
        }
        reserve(first.prefixCount() + longest, size);
        gather(pass, index * size, first.prefix(), first.prefixCount(), 0);
        for (int i = 0; i < segments.size(); i++) {
            forward(pass, segments.get(i), index);
        }
    }

    /** Copies keys and values of tokens to the positions from {@code position} on. */
    private void gather(Pass pass, int column, int row, int count, int position) {
        head.transpose(pass.qkv(), row, pass.width() + column, count, keys, position, positions);
        head.copy(pass.qkv(), row, 2 * pass.width() + column, count, 1f, values, position);
    }

    private void forward(Pass pass, Segment segment, int index) {
        int column = index * head.size();
        int before = segment.prefixCount();
        int end = before + segment.count();
        gather(pass, column, segment.from(), segment.count(), before);
        // the last block sees up to five positions without a token: their scores are zeros, but 0 times NaN is not 0
        Arrays.fill(values, end * head.stride(), roundUp(end, ROWS) * head.stride(), 0f);
        float scale = (float) (1 / Math.sqrt(head.size()));
        for (int block = before / ROWS * ROWS; block < end; block += ROWS) {
            int first = Math.max(block, before) - block;
            int last = Math.min(ROWS, end - block);
            int row = segment.from() + block + first - before;
            head.copy(pass.qkv(), row, column, last - first, scale, queries, first);
            attend(block, first, last);
            store(pass, index, row, first, last);
        }
    }

    /** Computes rows {@code first} to {@code last} (exclusive) of a block of queries; the others of its outputs are undefined. */
    private void attend(int block, int first, int last) {
        int seen = block + ROWS;
        int stride = head.stride();
        for (int key = 0; key < seen; key += COLUMNS) {
            BlockProduct.multiply(head.size(), queries, 0, stride, keys, key, positions, scores, key, positions);
        }
        for (int i = first; i < last; i++) {
            sums[i] = softmax.exponentials(scores, i * positions, block + i + 1, seen);
            logSumExps[i] = (float) (softmax.largest() + Math.log(sums[i]));
        }
        for (int column = 0; column < stride; column += COLUMNS) {
            BlockProduct.multiply(seen, scores, 0, positions, values, column, stride, outputs, column, stride);
        }
    }

    private void store(Pass pass, int index, int row, int first, int last) {
        for (int i = first; i < last; i++) {
            int to = row + i - first;
            head.store(outputs, i, 1 / sums[i], pass.output(), to, index * head.size());
            if (pass.logSumExp() != null) {
                put(pass.logSumExp().bytes(), to * pass.heads() + index, logSumExps[i]);
            }
        }
    }
}

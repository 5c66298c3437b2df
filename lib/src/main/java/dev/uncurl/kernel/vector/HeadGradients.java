package dev.uncurl.kernel.vector;

import static dev.uncurl.kernel.vector.Operands.multiply;
import static dev.uncurl.kernel.vector.VectorOps.WIDTH;
import static dev.uncurl.kernel.vector.VectorOps.get;
import static dev.uncurl.kernel.vector.VectorOps.load;
import static dev.uncurl.kernel.vector.VectorOps.put;
import static dev.uncurl.kernel.vector.VectorOps.store;

import dev.uncurl.kernel.Attention;
import dev.uncurl.kernel.Matrix;
import java.nio.ByteBuffer;
import jdk.incubator.vector.FloatVector;
import org.bytedeco.javacpp.FloatPointer;

/**
 * Gradients of the attention of one head of one sequence, with OpenBLAS: {@link BlockProduct} was no faster here. Processes
 * blocks of queries against all keys up to the last query of the block, so most of the masked half is never computed. Heads
 * are read in place from [N, 3D], using leading dimensions. Rows of scores are padded to whole vectors. For one thread.
 */
final class HeadGradients {
    private static final int BLOCK = 64;

    /** What a pass reads, and {@code dQkv}, which it writes. */
    record Pass(Attention.Shape shape, Matrix qkv, Matrix logSumExp, Matrix dOutput, Matrix dQkv) {
        /** D */
        int width() {
            return dOutput.columns();
        }

        int size() {
            return width() / shape.heads();
        }

        float scale() {
            return (float) (1 / Math.sqrt(size()));
        }

        /**
         * Index of the first element of the head's query at a position; the key and value follow at offsets D and 2D.
         */
        long query(int sequence, int head, int position) {
            return ((long) sequence * shape.positions() + position) * 3 * width() + (long) head * size();
        }

        long output(int sequence, int head, int position) {
            return ((long) sequence * shape.positions() + position) * width() + (long) head * size();
        }

        int statistic(int sequence, int head, int position) {
            return (sequence * shape.positions() + position) * shape.heads() + head;
        }
    }

    private final float[] scratch = new float[WIDTH];

    private final Window query = new Window();
    private final Window key = new Window();
    private final Window value = new Window();
    private final Window dOutput = new Window();
    private final Window dQuery = new Window();
    private final Window dKey = new Window();
    private final Window dValue = new Window();
    private Matrix scores = Matrix.allocate(0, 0);
    private Matrix dScores = scores;

    private void reserve(int positions) {
        int columns = VectorOps.roundUp(positions, WIDTH);
        if (scores.columns() != columns) {
            scores = Matrix.allocate(BLOCK, columns);
            dScores = Matrix.allocate(BLOCK, columns);
        }
    }

    private void point(Pass pass, int sequence, int head, int from) {
        FloatPointer qkv = pass.qkv().pointer();
        long first = pass.query(sequence, head, 0);
        query.to(qkv, pass.query(sequence, head, from));
        key.to(qkv, first + pass.width());
        value.to(qkv, first + 2L * pass.width());
        dOutput.to(pass.dOutput().pointer(), pass.output(sequence, head, from));
    }

    void backward(Pass pass, int sequence, int head) {
        int positions = pass.shape().positions();
        reserve(positions);
        // the last block first: it covers all keys, so it overwrites their gradients
        for (int from = (positions - 1) / BLOCK * BLOCK; from >= 0; from -= BLOCK) {
            backward(pass, sequence, head, from, Math.min(BLOCK, positions - from));
        }
    }

    private void backward(Pass pass, int sequence, int head, int from, int rows) {
        int keys = from + rows;
        int width = pass.width();
        int wide = 3 * width;
        int size = pass.size();
        float scale = pass.scale();
        int stride = scores.columns();
        float beta = keys == pass.shape().positions() ? 0f : 1f;
        FloatPointer p = scores.pointer();
        FloatPointer dp = dScores.pointer();
        point(pass, sequence, head, from);
        FloatPointer dQkv = pass.dQkv().pointer();
        long first = pass.query(sequence, head, 0);
        dQuery.to(dQkv, pass.query(sequence, head, from));
        dKey.to(dQkv, first + width);
        dValue.to(dQkv, first + 2L * width);
        multiply(false, true, rows, keys, size, scale, query, wide, key, wide, 0f, p, stride);
        multiply(false, true, rows, keys, size, 1f, dOutput, width, value, wide, 0f, dp, stride);
        for (int row = 0; row < rows; row++) {
            float sum = get(pass.logSumExp().bytes(), pass.statistic(sequence, head, from + row));
            softmaxBackward(row * stride, from + row + 1, keys, sum);
        }
        multiply(true, false, keys, size, rows, 1f, p, stride, dOutput, width, beta, dValue, wide);
        multiply(false, false, rows, size, keys, scale, dp, stride, key, wide, 0f, dQuery, wide);
        multiply(true, false, keys, size, rows, scale, dp, stride, query, wide, beta, dKey, wide);
    }

    /**
     * Replaces scores by probabilities P and their gradients dP by P (dP - sum P dP); pads with zeros up to
     * {@code end}.
     */
    private void softmaxBackward(int at, int count, int end, float logSumExp) {
        ByteBuffer values = scores.bytes();
        ByteBuffer gradients = dScores.bytes();
        int whole = fillUp(values, at, count, Float.NEGATIVE_INFINITY);
        fillUp(gradients, at, count, 0f);
        probabilities(values, at, whole, logSumExp);
        float inner = inner(values, gradients, at, whole);
        for (int i = at; i < at + whole; i += WIDTH) {
            store(load(gradients, i).sub(inner).mul(load(values, i)), gradients, i);
        }
        clear(values, at + count, at + end);
        clear(gradients, at + count, at + end);
    }

    /** Appends {@code value} to {@code count} values up to a whole number of vectors; returns the padded count. */
    private static int fillUp(ByteBuffer values, int at, int count, float value) {
        int whole = VectorOps.roundUp(count, WIDTH);
        for (int i = at + count; i < at + whole; i++) {
            put(values, i, value);
        }
        return whole;
    }

    private static void clear(ByteBuffer values, int from, int to) {
        for (int i = from; i < to; i++) {
            put(values, i, 0f);
        }
    }

    private static void probabilities(ByteBuffer values, int at, int whole, float logSumExp) {
        for (int i = at; i < at + whole; i += WIDTH) {
            store(VectorOps.exp(load(values, i).sub(logSumExp)), values, i);
        }
    }

    private float inner(ByteBuffer values, ByteBuffer gradients, int at, int whole) {
        FloatVector total = FloatVector.zero(VectorOps.SPECIES);
        for (int i = at; i < at + whole; i += WIDTH) {
            total = load(values, i).fma(load(gradients, i), total);
        }
        return VectorOps.sum(total, scratch);
    }
}

package dev.uncurl.kernel;

import static dev.uncurl.kernel.Lanes.WIDTH;
import static dev.uncurl.kernel.Lanes.fill;
import static dev.uncurl.kernel.Lanes.get;
import static dev.uncurl.kernel.Lanes.load;
import static dev.uncurl.kernel.Lanes.put;
import static dev.uncurl.kernel.Lanes.store;
import static dev.uncurl.kernel.VectorProduct.multiply;

import java.nio.ByteBuffer;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.bytedeco.javacpp.FloatPointer;

/**
 * Blocks of queries against all keys up to the block's last, so the masked half is mostly never computed. Heads are
 * read where they stand in [N, 3D], by leading dimensions. Rows of scores are padded to whole vectors.
 */
final class VectorAttention implements Attention {
    private static final int BLOCK = 64;

    private final float[] scratch = new float[WIDTH];
    private Matrix scores = Matrix.allocate(0, 0);
    private Matrix dScores = scores;

    private void reserve(int positions) {
        int columns = (positions + WIDTH - 1) / WIDTH * WIDTH;
        if (scores.columns() != columns) {
            scores = Matrix.allocate(BLOCK, columns);
            dScores = Matrix.allocate(BLOCK, columns);
        }
    }

    @Override
    public void forward(Shape shape, Matrix qkv, Matrix logSumExp, Matrix output) {
        int positions = shape.positions();
        int width = output.columns();
        int size = width / shape.heads();
        float scale = (float) (1 / Math.sqrt(size));
        reserve(positions);
        int stride = scores.columns();
        for (int sequence = 0; sequence < shape.sequences(); sequence++) {
            for (int head = 0; head < shape.heads(); head++) {
                long base = (long) sequence * positions * 3 * width + (long) head * size;
                FloatPointer key = qkv.pointer().getPointer(base + width);
                FloatPointer value = qkv.pointer().getPointer(base + 2L * width);
                for (int from = 0; from < positions; from += BLOCK) {
                    int rows = Math.min(BLOCK, positions - from);
                    int keys = from + rows;
                    FloatPointer query = qkv.pointer().getPointer(base + (long) from * 3 * width);
                    FloatPointer out = output.pointer()
                            .getPointer(((long) sequence * positions + from) * width + (long) head * size);
                    multiply(
                            false,
                            true,
                            rows,
                            keys,
                            size,
                            query,
                            3 * width,
                            key,
                            3 * width,
                            0f,
                            scores.pointer(),
                            stride);
                    for (int row = 0; row < rows; row++) {
                        int statistic = (sequence * positions + from + row) * shape.heads() + head;
                        float sum = softmax(row * stride, from + row + 1, keys, scale);
                        put(logSumExp.bytes(), statistic, sum);
                    }
                    multiply(
                            false, false, rows, size, keys, scores.pointer(), stride, value, 3 * width, 0f, out, width);
                }
            }
        }
    }

    /** Softmax of the first {@code count} scores at {@code at}, zeros up to {@code end}; gives their logsumexp. */
    private float softmax(int at, int count, int end, float scale) {
        ByteBuffer values = scores.bytes();
        int whole = Lanes.whole(count);
        VectorMask<Float> rest = Lanes.firstLanes(count - whole);
        FloatVector maxima = fill(Float.NEGATIVE_INFINITY);
        for (int i = 0; i < whole; i += WIDTH) {
            maxima = maxima.max(load(values, at + i));
        }
        if (whole < count) {
            maxima = maxima.max(fill(Float.NEGATIVE_INFINITY).blend(load(values, at + whole), rest));
        }
        float largest = Lanes.max(maxima) * scale;
        FloatVector sums = FloatVector.zero(Lanes.SPECIES);
        for (int i = 0; i < whole; i += WIDTH) {
            FloatVector term = Lanes.exp(load(values, at + i).mul(scale).sub(largest));
            sums = sums.add(term);
            store(term, values, at + i);
        }
        if (whole < count) {
            FloatVector term = Lanes.exp(load(values, at + whole).mul(scale).sub(largest));
            term = FloatVector.zero(Lanes.SPECIES).blend(term, rest);
            sums = sums.add(term);
            store(term, values, at + whole);
        }
        float sum = Lanes.sum(sums, scratch);
        float factor = 1 / sum;
        for (int i = 0; i < count; i += WIDTH) {
            store(load(values, at + i).mul(factor), values, at + i);
        }
        for (int i = count; i < end; i++) {
            put(values, at + i, 0f);
        }
        return (float) (largest + Math.log(sum));
    }

    @Override
    public void backward(Shape shape, Matrix qkv, Matrix logSumExp, Matrix dOutput, Matrix dQkv) {
        int positions = shape.positions();
        int width = dOutput.columns();
        int size = width / shape.heads();
        reserve(positions);
        for (int sequence = 0; sequence < shape.sequences(); sequence++) {
            for (int head = 0; head < shape.heads(); head++) {
                // the last block first: it reaches all keys, and so overwrites their gradients
                for (int from = (positions - 1) / BLOCK * BLOCK; from >= 0; from -= BLOCK) {
                    int rows = Math.min(BLOCK, positions - from);
                    backward(sequence, positions, head, size, width, from, rows, qkv, logSumExp, dOutput, dQkv);
                }
            }
        }
    }

    private void backward(
            int sequence,
            int positions,
            int head,
            int size,
            int width,
            int from,
            int rows,
            Matrix qkv,
            Matrix logSumExp,
            Matrix dOutput,
            Matrix dQkv) {
        int keys = from + rows;
        int wide = 3 * width;
        int stride = scores.columns();
        int heads = width / size;
        float beta = keys == positions ? 0f : 1f;
        float scale = (float) (1 / Math.sqrt(size));
        long base = (long) sequence * positions * wide + (long) head * size;
        long queryAt = base + (long) from * wide;
        FloatPointer query = qkv.pointer().getPointer(queryAt);
        FloatPointer key = qkv.pointer().getPointer(base + width);
        FloatPointer value = qkv.pointer().getPointer(base + 2L * width);
        FloatPointer dQuery = dQkv.pointer().getPointer(queryAt);
        FloatPointer dKey = dQkv.pointer().getPointer(base + width);
        FloatPointer dValue = dQkv.pointer().getPointer(base + 2L * width);
        FloatPointer dOut =
                dOutput.pointer().getPointer(((long) sequence * positions + from) * width + (long) head * size);
        FloatPointer p = scores.pointer();
        FloatPointer dp = dScores.pointer();
        multiply(false, true, rows, keys, size, query, wide, key, wide, 0f, p, stride);
        multiply(false, true, rows, keys, size, dOut, width, value, wide, 0f, dp, stride);
        for (int row = 0; row < rows; row++) {
            int statistic = (sequence * positions + from + row) * heads + head;
            float sum = get(logSumExp.bytes(), statistic);
            softmaxBackward(row * stride, from + row + 1, keys, scale, sum);
        }
        multiply(true, false, keys, size, rows, p, stride, dOut, width, beta, dValue, wide);
        multiply(false, false, rows, size, keys, dp, stride, key, wide, 0f, dQuery, wide);
        multiply(true, false, keys, size, rows, dp, stride, query, wide, beta, dKey, wide);
    }

    /** Scores become probabilities P, their gradients dP become P (dP - sum P dP) * scale; zeros up to {@code end}. */
    private void softmaxBackward(int at, int count, int end, float scale, float logSumExp) {
        ByteBuffer values = scores.bytes();
        ByteBuffer gradients = dScores.bytes();
        int whole = Lanes.whole(count);
        FloatVector inner = FloatVector.zero(Lanes.SPECIES);
        for (int i = 0; i < whole; i += WIDTH) {
            FloatVector term = Lanes.exp(load(values, at + i).mul(scale).sub(logSumExp));
            store(term, values, at + i);
            inner = term.fma(load(gradients, at + i), inner);
        }
        if (whole < count) {
            VectorMask<Float> rest = Lanes.firstLanes(count - whole);
            FloatVector none = FloatVector.zero(Lanes.SPECIES);
            FloatVector term = Lanes.exp(load(values, at + whole).mul(scale).sub(logSumExp));
            term = none.blend(term, rest);
            FloatVector gradient = none.blend(load(gradients, at + whole), rest);
            store(term, values, at + whole);
            store(gradient, gradients, at + whole);
            inner = term.fma(gradient, inner);
        }
        float sum = Lanes.sum(inner, scratch);
        for (int i = 0; i < count; i += WIDTH) {
            store(load(values, at + i).mul(load(gradients, at + i).sub(sum)).mul(scale), gradients, at + i);
        }
        for (int i = count; i < end; i++) {
            put(values, at + i, 0f);
            put(gradients, at + i, 0f);
        }
    }
}

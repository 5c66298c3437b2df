package dev.uncurl.kernel.vector;

import static dev.uncurl.kernel.vector.VectorOps.WIDTH;
import static dev.uncurl.kernel.vector.VectorOps.get;
import static dev.uncurl.kernel.vector.VectorOps.load;
import static dev.uncurl.kernel.vector.VectorOps.put;
import static dev.uncurl.kernel.vector.VectorOps.store;

import dev.uncurl.kernel.Matrix;
import dev.uncurl.kernel.Normalization;
import java.nio.ByteBuffer;
import jdk.incubator.vector.FloatVector;

/**
 * {@link Normalization} with the Vector API, for x [N, C] and gain, bias [1, C]:
 * y = (x - mean) / sqrt(variance + epsilon) * gain + bias for each row, with the variance from centred values (two
 * passes). The backward pass computes the gradients of x, gain and bias in one pass over the rows.
 *
 * <p>Reference: Nd4jNormalization. Checked by VectorKernelsTest.normsAgreeForwardAndBackward and
 * KernelEdgesTest.normsAgreeForShiftedRowsAndFewColumns; timed by EngineBench.
 */
final class VectorNormalization implements Normalization {
    private final WorkerPool pool;
    private final ColumnSums columnSums;
    private final float[][] scratch;

    VectorNormalization(WorkerPool pool) {
        this.pool = pool;
        columnSums = new ColumnSums(pool);
        scratch = Scratch.of(pool);
    }

    @Override
    public void forward(Matrix x, Matrix gain, Matrix bias, Matrix statistics, Matrix y) {
        ByteBuffer in = x.bytes();
        ByteBuffer gains = gain.bytes();
        ByteBuffer biases = bias.bytes();
        ByteBuffer kept = statistics.bytes();
        ByteBuffer out = y.bytes();
        int columns = x.columns();
        int whole = VectorOps.whole(columns);
        pool.rows(x, (from, to, worker) -> {
            for (int row = from; row < to; row++) {
                int at = row * columns;
                float mean = mean(in, at, columns, scratch[worker]);
                float variance = variance(in, at, columns, mean, scratch[worker]);
                float reciprocal = (float) (1 / Math.sqrt(variance + EPSILON));
                put(kept, 2 * row, mean);
                put(kept, 2 * row + 1, reciprocal);
                for (int i = 0; i < whole; i += WIDTH) {
                    FloatVector normalized = load(in, at + i).sub(mean).mul(reciprocal);
                    store(normalized.fma(load(gains, i), load(biases, i)), out, at + i);
                }
                for (int i = whole; i < columns; i++) {
                    put(out, at + i, (get(in, at + i) - mean) * reciprocal * get(gains, i) + get(biases, i));
                }
            }
        });
    }

    private static float mean(ByteBuffer in, int at, int columns, float[] scratch) {
        int whole = VectorOps.whole(columns);
        FloatVector sums = FloatVector.zero(VectorOps.SPECIES);
        for (int i = 0; i < whole; i += WIDTH) {
            sums = sums.add(load(in, at + i));
        }
        float sum = VectorOps.sum(sums, scratch);
        for (int i = whole; i < columns; i++) {
            sum += get(in, at + i);
        }
        return sum / columns;
    }

    private static float variance(ByteBuffer in, int at, int columns, float mean, float[] scratch) {
        int whole = VectorOps.whole(columns);
        FloatVector squares = FloatVector.zero(VectorOps.SPECIES);
        for (int i = 0; i < whole; i += WIDTH) {
            FloatVector centred = load(in, at + i).sub(mean);
            squares = centred.fma(centred, squares);
        }
        float sum = VectorOps.sum(squares, scratch);
        for (int i = whole; i < columns; i++) {
            float centred = get(in, at + i) - mean;
            sum += centred * centred;
        }
        return sum / columns;
    }

    /** With n the normalized input and s = dy * gain: dx += (s - mean(s) - n mean(s n)) / deviation. */
    @Override
    public void backward(Matrix x, Matrix gain, Matrix statistics, Matrix dy, Matrix dx, Matrix dGain, Matrix dBias) {
        int rows = x.rows();
        int columns = x.columns();
        var back = new Back(columns, x.bytes(), gain.bytes(), statistics.bytes(), dy.bytes(), dx.bytes());
        columnSums.over(
                rows, 2 * columns, (row, sums, at, worker) -> back.run(row, sums, at, scratch[worker]), dGain, dBias);
    }

    /** The buffers of one backward pass. */
    private record Back(
            int columns, ByteBuffer in, ByteBuffer gains, ByteBuffer kept, ByteBuffer gradient, ByteBuffer out) {

        /** @param gainsAt index in {@code sums} of the sums for the gain; those for the bias follow */
        void run(int row, ByteBuffer sums, int gainsAt, float[] scratch) {
            int biasesAt = gainsAt + columns;
            int at = row * columns;
            int whole = VectorOps.whole(columns);
            float mean = get(kept, 2 * row);
            float reciprocal = get(kept, 2 * row + 1);
            FloatVector total = FloatVector.zero(VectorOps.SPECIES);
            FloatVector products = FloatVector.zero(VectorOps.SPECIES);
            for (int i = 0; i < whole; i += WIDTH) {
                FloatVector normalized = load(in, at + i).sub(mean).mul(reciprocal);
                FloatVector incoming = load(gradient, at + i);
                FloatVector scaled = incoming.mul(load(gains, i));
                total = total.add(scaled);
                products = scaled.fma(normalized, products);
                store(incoming.fma(normalized, load(sums, gainsAt + i)), sums, gainsAt + i);
                store(incoming.add(load(sums, biasesAt + i)), sums, biasesAt + i);
            }
            float sum = VectorOps.sum(total, scratch);
            float product = VectorOps.sum(products, scratch);
            for (int i = whole; i < columns; i++) {
                float normalized = (get(in, at + i) - mean) * reciprocal;
                float incoming = get(gradient, at + i);
                sum += incoming * get(gains, i);
                product += incoming * get(gains, i) * normalized;
                put(sums, gainsAt + i, get(sums, gainsAt + i) + incoming * normalized);
                put(sums, biasesAt + i, get(sums, biasesAt + i) + incoming);
            }
            addChange(row, mean, reciprocal, sum / columns, product / columns);
        }

        private void addChange(int row, float mean, float reciprocal, float meanScaled, float meanProduct) {
            int at = row * columns;
            int whole = VectorOps.whole(columns);
            for (int i = 0; i < whole; i += WIDTH) {
                FloatVector normalized = load(in, at + i).sub(mean).mul(reciprocal);
                FloatVector scaled = load(gradient, at + i).mul(load(gains, i));
                FloatVector change = scaled.sub(meanScaled).sub(normalized.mul(meanProduct));
                store(change.mul(reciprocal).add(load(out, at + i)), out, at + i);
            }
            for (int i = whole; i < columns; i++) {
                float normalized = (get(in, at + i) - mean) * reciprocal;
                float change = get(gradient, at + i) * get(gains, i) - meanScaled - normalized * meanProduct;
                put(out, at + i, get(out, at + i) + change * reciprocal);
            }
        }
    }
}

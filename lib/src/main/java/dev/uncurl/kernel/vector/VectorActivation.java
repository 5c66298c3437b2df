package dev.uncurl.kernel.vector;

import static dev.uncurl.kernel.vector.VectorOps.WIDTH;
import static dev.uncurl.kernel.vector.VectorOps.get;
import static dev.uncurl.kernel.vector.VectorOps.load;
import static dev.uncurl.kernel.vector.VectorOps.put;
import static dev.uncurl.kernel.vector.VectorOps.store;

import dev.uncurl.kernel.Activation;
import dev.uncurl.kernel.Matrix;
import java.nio.ByteBuffer;
import jdk.incubator.vector.FloatVector;

/** {@link Activation} with the Vector API, [N, F]. Since 0.5 (1 + tanh(u)) = sigmoid(2u), gelu(x) = x sigmoid(w) with
 * w = (CUBIC x^2 + LINEAR) x.
 *
 * <p>Reference: Nd4jActivation. Checked by VectorKernelsTest.geluAgreesForwardAndBackward and
 * KernelEdgesTest.geluAgreesFarFromZero; timed by EngineBench. */
final class VectorActivation implements Activation {
    private static final float LINEAR = (float) (2 * Math.sqrt(2 / Math.PI));
    private static final float CUBIC = 0.044715f * LINEAR;
    private final WorkerPool pool;
    private final ColumnSums columnSums;

    VectorActivation(WorkerPool pool) {
        this.pool = pool;
        columnSums = new ColumnSums(pool);
    }

    @Override
    public void forward(Matrix x, Matrix bias, Matrix y) {
        ByteBuffer in = x.bytes();
        ByteBuffer added = bias.bytes();
        ByteBuffer out = y.bytes();
        int columns = x.columns();
        pool.rows(x, (from, to, worker) -> forward(in, added, out, columns, from, to));
    }

    private static void forward(ByteBuffer in, ByteBuffer added, ByteBuffer out, int columns, int from, int to) {
        int whole = VectorOps.whole(columns);
        for (int row = from; row < to; row++) {
            int at = row * columns;
            for (int i = 0; i < whole; i += WIDTH) {
                FloatVector value = load(in, at + i).add(load(added, i));
                store(value, in, at + i);
                FloatVector inner = value.mul(value).fma(-CUBIC, -LINEAR);
                store(value.mul(VectorOps.sigmoidOfNegative(inner.mul(value))), out, at + i);
            }
            for (int i = whole; i < columns; i++) {
                float value = get(in, at + i) + get(added, i);
                put(in, at + i, value);
                put(out, at + i, value * VectorOps.sigmoid((CUBIC * value * value + LINEAR) * value));
            }
        }
    }

    @Override
    public void backward(Matrix x, Matrix dy, Matrix dBias) {
        ByteBuffer in = x.bytes();
        ByteBuffer gradient = dy.bytes();
        int columns = x.columns();
        columnSums.over(
                x.rows(),
                columns,
                (row, sums, at, worker) -> {
                    multiplyBySlope(in, gradient, row * columns, columns);
                    ColumnSums.add(sums, at, gradient, row * columns, columns);
                },
                dBias);
    }

    /** With s = sigmoid(w): gelu'(x) = s + s (1 - s) x w', and x w' = 3 CUBIC x^3 + LINEAR x. */
    private static void multiplyBySlope(ByteBuffer in, ByteBuffer gradient, int at, int length) {
        int whole = at + VectorOps.whole(length);
        for (int i = at; i < whole; i += WIDTH) {
            FloatVector value = load(in, i);
            FloatVector square = value.mul(value);
            FloatVector inner = square.fma(-CUBIC, -LINEAR).mul(value);
            FloatVector sigmoid = VectorOps.sigmoidOfNegative(inner);
            FloatVector outer = square.fma(3 * CUBIC, LINEAR).mul(value);
            FloatVector slope = sigmoid.sub(sigmoid.mul(sigmoid)).fma(outer, sigmoid);
            store(slope.mul(load(gradient, i)), gradient, i);
        }
        for (int i = whole; i < at + length; i++) {
            float value = get(in, i);
            float sigmoid = VectorOps.sigmoid((CUBIC * value * value + LINEAR) * value);
            float outer = (3 * CUBIC * value * value + LINEAR) * value;
            put(gradient, i, (sigmoid + sigmoid * (1 - sigmoid) * outer) * get(gradient, i));
        }
    }
}

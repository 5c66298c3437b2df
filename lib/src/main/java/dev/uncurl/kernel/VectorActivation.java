package dev.uncurl.kernel;

import static dev.uncurl.kernel.Lanes.WIDTH;
import static dev.uncurl.kernel.Lanes.fill;
import static dev.uncurl.kernel.Lanes.get;
import static dev.uncurl.kernel.Lanes.load;
import static dev.uncurl.kernel.Lanes.put;
import static dev.uncurl.kernel.Lanes.store;

import java.nio.ByteBuffer;
import jdk.incubator.vector.FloatVector;

final class VectorActivation implements Activation {
    private static final float SLOPE = (float) Math.sqrt(2 / Math.PI);
    private static final float CUBIC = 0.044715f * SLOPE;

    @Override
    public void forward(Matrix x, Matrix bias, Matrix y) {
        ByteBuffer in = x.bytes();
        ByteBuffer added = bias.bytes();
        ByteBuffer out = y.bytes();
        int columns = x.columns();
        int whole = Lanes.whole(columns);
        for (int row = 0; row < x.rows(); row++) {
            int at = row * columns;
            for (int i = 0; i < whole; i += WIDTH) {
                FloatVector value = load(in, at + i).add(load(added, i));
                store(value, in, at + i);
                FloatVector tanh = Lanes.tanh(
                        value.mul(value).fma(fill(CUBIC), fill(SLOPE)).mul(value));
                FloatVector half = value.mul(0.5f);
                store(half.fma(tanh, half), out, at + i);
            }
            for (int i = whole; i < columns; i++) {
                float value = get(in, at + i) + get(added, i);
                put(in, at + i, value);
                put(out, at + i, 0.5f * value * (1 + Lanes.tanh((CUBIC * value * value + SLOPE) * value)));
            }
        }
    }

    /** gelu'(x) = 0.5 (1 + t + x (1 - t^2) u'), t = tanh(u). */
    @Override
    public void backward(Matrix x, Matrix dy, Matrix dBias) {
        dBias.zero();
        ByteBuffer in = x.bytes();
        ByteBuffer gradient = dy.bytes();
        ByteBuffer sums = dBias.bytes();
        int columns = x.columns();
        int whole = Lanes.whole(columns);
        for (int row = 0; row < x.rows(); row++) {
            int at = row * columns;
            for (int i = 0; i < whole; i += WIDTH) {
                FloatVector value = load(in, at + i);
                FloatVector square = value.mul(value);
                FloatVector tanh =
                        Lanes.tanh(square.fma(fill(CUBIC), fill(SLOPE)).mul(value));
                FloatVector inner = square.fma(fill(3 * CUBIC), fill(SLOPE)).mul(value);
                FloatVector slope = fill(1f).sub(tanh.mul(tanh)).fma(inner, tanh.add(1f));
                FloatVector product = slope.mul(0.5f).mul(load(gradient, at + i));
                store(product, gradient, at + i);
                store(product.add(load(sums, i)), sums, i);
            }
            for (int i = whole; i < columns; i++) {
                float value = get(in, at + i);
                float tanh = Lanes.tanh((CUBIC * value * value + SLOPE) * value);
                float inner = (3 * CUBIC * value * value + SLOPE) * value;
                float product = 0.5f * ((1 - tanh * tanh) * inner + 1 + tanh) * get(gradient, at + i);
                put(gradient, at + i, product);
                put(sums, i, get(sums, i) + product);
            }
        }
    }
}

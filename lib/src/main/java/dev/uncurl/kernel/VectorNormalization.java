package dev.uncurl.kernel;

import static dev.uncurl.kernel.Lanes.WIDTH;
import static dev.uncurl.kernel.Lanes.get;
import static dev.uncurl.kernel.Lanes.load;
import static dev.uncurl.kernel.Lanes.put;
import static dev.uncurl.kernel.Lanes.store;

import java.nio.ByteBuffer;
import jdk.incubator.vector.FloatVector;

final class VectorNormalization implements Normalization {
    private final float[] scratch = new float[WIDTH];

    @Override
    public void forward(Matrix x, Matrix gain, Matrix bias, Matrix statistics, Matrix y) {
        ByteBuffer in = x.bytes();
        ByteBuffer gains = gain.bytes();
        ByteBuffer biases = bias.bytes();
        ByteBuffer kept = statistics.bytes();
        ByteBuffer out = y.bytes();
        int columns = x.columns();
        int whole = Lanes.whole(columns);
        for (int row = 0; row < x.rows(); row++) {
            int at = row * columns;
            float mean = mean(in, at, columns);
            float reciprocal = (float) (1 / Math.sqrt(variance(in, at, columns, mean) + EPSILON));
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
    }

    private float mean(ByteBuffer in, int at, int columns) {
        int whole = Lanes.whole(columns);
        FloatVector sums = FloatVector.zero(Lanes.SPECIES);
        for (int i = 0; i < whole; i += WIDTH) {
            sums = sums.add(load(in, at + i));
        }
        float sum = Lanes.sum(sums, scratch);
        for (int i = whole; i < columns; i++) {
            sum += get(in, at + i);
        }
        return sum / columns;
    }

    private float variance(ByteBuffer in, int at, int columns, float mean) {
        int whole = Lanes.whole(columns);
        FloatVector squares = FloatVector.zero(Lanes.SPECIES);
        for (int i = 0; i < whole; i += WIDTH) {
            FloatVector centred = load(in, at + i).sub(mean);
            squares = centred.fma(centred, squares);
        }
        float sum = Lanes.sum(squares, scratch);
        for (int i = whole; i < columns; i++) {
            float centred = get(in, at + i) - mean;
            sum += centred * centred;
        }
        return sum / columns;
    }

    /** With n the normalized input and s = dy * gain: dx += (s - mean(s) - n mean(s n)) / deviation. */
    @Override
    public void backward(Matrix x, Matrix gain, Matrix statistics, Matrix dy, Matrix dx, Matrix dGain, Matrix dBias) {
        dGain.zero();
        dBias.zero();
        ByteBuffer in = x.bytes();
        ByteBuffer gains = gain.bytes();
        ByteBuffer kept = statistics.bytes();
        ByteBuffer gradient = dy.bytes();
        ByteBuffer out = dx.bytes();
        ByteBuffer gainSums = dGain.bytes();
        ByteBuffer biasSums = dBias.bytes();
        int columns = x.columns();
        int whole = Lanes.whole(columns);
        for (int row = 0; row < x.rows(); row++) {
            int at = row * columns;
            float mean = get(kept, 2 * row);
            float reciprocal = get(kept, 2 * row + 1);
            FloatVector sums = FloatVector.zero(Lanes.SPECIES);
            FloatVector products = FloatVector.zero(Lanes.SPECIES);
            for (int i = 0; i < whole; i += WIDTH) {
                FloatVector normalized = load(in, at + i).sub(mean).mul(reciprocal);
                FloatVector incoming = load(gradient, at + i);
                FloatVector scaled = incoming.mul(load(gains, i));
                sums = sums.add(scaled);
                products = scaled.fma(normalized, products);
                store(incoming.fma(normalized, load(gainSums, i)), gainSums, i);
                store(incoming.add(load(biasSums, i)), biasSums, i);
            }
            float sum = Lanes.sum(sums, scratch);
            float product = Lanes.sum(products, scratch);
            for (int i = whole; i < columns; i++) {
                float normalized = (get(in, at + i) - mean) * reciprocal;
                float incoming = get(gradient, at + i);
                sum += incoming * get(gains, i);
                product += incoming * get(gains, i) * normalized;
                put(gainSums, i, get(gainSums, i) + incoming * normalized);
                put(biasSums, i, get(biasSums, i) + incoming);
            }
            float meanScaled = sum / columns;
            float meanProduct = product / columns;
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

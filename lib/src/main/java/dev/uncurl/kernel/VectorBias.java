package dev.uncurl.kernel;

import static dev.uncurl.kernel.Lanes.WIDTH;
import static dev.uncurl.kernel.Lanes.get;
import static dev.uncurl.kernel.Lanes.load;
import static dev.uncurl.kernel.Lanes.put;
import static dev.uncurl.kernel.Lanes.store;

import java.nio.ByteBuffer;

final class VectorBias implements Bias {
    @Override
    public void add(Matrix x, Matrix bias) {
        ByteBuffer values = x.bytes();
        ByteBuffer added = bias.bytes();
        int columns = x.columns();
        int whole = Lanes.whole(columns);
        for (int row = 0; row < x.rows(); row++) {
            int at = row * columns;
            for (int i = 0; i < whole; i += WIDTH) {
                store(load(values, at + i).add(load(added, i)), values, at + i);
            }
            for (int i = whole; i < columns; i++) {
                put(values, at + i, get(values, at + i) + get(added, i));
            }
        }
    }

    @Override
    public void addResidual(Matrix residual, Matrix x, Matrix bias, Matrix target) {
        ByteBuffer stream = residual.bytes();
        ByteBuffer values = x.bytes();
        ByteBuffer added = bias.bytes();
        ByteBuffer sum = target.bytes();
        int columns = x.columns();
        int whole = Lanes.whole(columns);
        for (int row = 0; row < x.rows(); row++) {
            int at = row * columns;
            for (int i = 0; i < whole; i += WIDTH) {
                store(load(stream, at + i).add(load(values, at + i)).add(load(added, i)), sum, at + i);
            }
            for (int i = whole; i < columns; i++) {
                put(sum, at + i, get(stream, at + i) + get(values, at + i) + get(added, i));
            }
        }
    }

    @Override
    public void columnSums(Matrix x, Matrix sums) {
        sums.zero();
        ByteBuffer values = x.bytes();
        ByteBuffer total = sums.bytes();
        int columns = x.columns();
        int whole = Lanes.whole(columns);
        for (int row = 0; row < x.rows(); row++) {
            int at = row * columns;
            for (int i = 0; i < whole; i += WIDTH) {
                store(load(total, i).add(load(values, at + i)), total, i);
            }
            for (int i = whole; i < columns; i++) {
                put(total, i, get(total, i) + get(values, at + i));
            }
        }
    }
}

package dev.uncurl.kernel;

import static dev.uncurl.kernel.Lanes.WIDTH;
import static dev.uncurl.kernel.Lanes.get;
import static dev.uncurl.kernel.Lanes.load;
import static dev.uncurl.kernel.Lanes.put;
import static dev.uncurl.kernel.Lanes.store;

import java.nio.ByteBuffer;

final class VectorBias implements Bias {
    /** Columns of one job. */
    private static final int STRIP = 128;

    private final Team team;

    VectorBias(Team team) {
        this.team = team;
    }

    @Override
    public void add(Matrix x, Matrix bias) {
        ByteBuffer values = x.bytes();
        ByteBuffer added = bias.bytes();
        int columns = x.columns();
        team.rows(x, (from, to, worker) -> add(values, added, columns, from, to));
    }

    private static void add(ByteBuffer values, ByteBuffer added, int columns, int from, int to) {
        int whole = Lanes.whole(columns);
        for (int row = from; row < to; row++) {
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
        team.rows(x, (from, to, worker) -> addResidual(stream, values, added, sum, columns, from, to));
    }

    private static void addResidual(
            ByteBuffer stream, ByteBuffer values, ByteBuffer added, ByteBuffer sum, int columns, int from, int to) {
        int whole = Lanes.whole(columns);
        for (int row = from; row < to; row++) {
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
        ByteBuffer totals = sums.bytes();
        int rows = x.rows();
        int columns = x.columns();
        team.split(columns, STRIP, (from, to, worker) -> {
            for (int row = 0; row < rows; row++) {
                addTo(totals, from, values, row * columns + from, to - from);
            }
        });
    }

    /** sums[to ..] += values[at ..] */
    static void addTo(ByteBuffer sums, int to, ByteBuffer values, int at, int length) {
        int whole = Lanes.whole(length);
        for (int i = 0; i < whole; i += WIDTH) {
            store(load(sums, to + i).add(load(values, at + i)), sums, to + i);
        }
        for (int i = whole; i < length; i++) {
            put(sums, to + i, get(sums, to + i) + get(values, at + i));
        }
    }
}

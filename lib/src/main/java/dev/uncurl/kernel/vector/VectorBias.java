package dev.uncurl.kernel.vector;

import static dev.uncurl.kernel.vector.VectorOps.WIDTH;
import static dev.uncurl.kernel.vector.VectorOps.get;
import static dev.uncurl.kernel.vector.VectorOps.load;
import static dev.uncurl.kernel.vector.VectorOps.put;
import static dev.uncurl.kernel.vector.VectorOps.store;

import dev.uncurl.kernel.Bias;
import dev.uncurl.kernel.Matrix;
import java.nio.ByteBuffer;

/**
 * {@link Bias} with the Vector API, for x [N, C] and bias [1, C]: x + bias, residual + x + bias in one pass, and the
 * column sums, which are the gradient of the bias.
 *
 * <p>Reference: Nd4jBias. Checked by VectorKernelsTest.biasesAgree; timed by EngineBench.
 */
final class VectorBias implements Bias {
    private final WorkerPool pool;
    private final ColumnSums columnSums;

    VectorBias(WorkerPool pool) {
        this.pool = pool;
        columnSums = new ColumnSums(pool);
    }

    @Override
    public void add(Matrix x, Matrix bias) {
        ByteBuffer values = x.bytes();
        ByteBuffer added = bias.bytes();
        int columns = x.columns();
        pool.rows(x, (from, to, worker) -> add(values, added, columns, from, to));
    }

    private static void add(ByteBuffer values, ByteBuffer added, int columns, int from, int to) {
        int whole = VectorOps.whole(columns);
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
        pool.rows(x, (from, to, worker) -> addResidual(stream, values, added, sum, columns, from, to));
    }

    private static void addResidual(
            ByteBuffer stream, ByteBuffer values, ByteBuffer added, ByteBuffer sum, int columns, int from, int to) {
        int whole = VectorOps.whole(columns);
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
        ByteBuffer values = x.bytes();
        int columns = x.columns();
        columnSums.over(
                x.rows(),
                columns,
                (row, total, at, worker) -> ColumnSums.add(total, at, values, row * columns, columns),
                sums);
    }
}

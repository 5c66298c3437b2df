package dev.uncurl.kernel.vector;

import static dev.uncurl.kernel.vector.VectorOps.WIDTH;
import static dev.uncurl.kernel.vector.VectorOps.fill;
import static dev.uncurl.kernel.vector.VectorOps.get;
import static dev.uncurl.kernel.vector.VectorOps.load;
import static dev.uncurl.kernel.vector.VectorOps.put;
import static dev.uncurl.kernel.vector.VectorOps.store;

import dev.uncurl.kernel.GatherScatter;
import dev.uncurl.kernel.Matrix;
import java.nio.ByteBuffer;
import jdk.incubator.vector.FloatVector;

/**
 * {@link GatherScatter} with the Vector API, on rows of C columns. Gathering and dot products run in parallel over the
 * target's rows; scatterAdd, in which several source rows may add to one target row, runs in parallel over strips of
 * {@value #STRIP} columns, so that each sum is added by one thread in ascending order.
 *
 * <p>Reference: Nd4jGatherScatter. Checked by VectorKernelsTest.movedRowsAgree and
 * KernelEdgesTest.rowsOfAnEmptyDispatchMoveNothing; timed by EngineBench (part experts).
 */
final class VectorGatherScatter implements GatherScatter {
    /** Columns per job in scatterAdd. */
    private static final int STRIP = 64;

    private final WorkerPool pool;
    private final float[][] scratch;

    VectorGatherScatter(WorkerPool pool) {
        this.pool = pool;
        scratch = Scratch.of(pool);
    }

    @Override
    public void gather(Matrix source, int[] index, double[] scales, Matrix target) {
        int columns = target.columns();
        ByteBuffer from = source.bytes();
        ByteBuffer to = target.bytes();
        pool.rows(target, (first, last, worker) -> {
            for (int row = first; row < last; row++) {
                boolean present = index[row] >= 0;
                float scale = !present ? 0f : scales == null ? 1f : (float) scales[row];
                scaleRow(from, present ? index[row] * columns : -1, scale, to, row * columns, columns);
            }
        });
    }

    private static void scaleRow(ByteBuffer from, int source, float scale, ByteBuffer to, int target, int columns) {
        int whole = VectorOps.whole(columns);
        for (int i = 0; i < whole; i += WIDTH) {
            store(
                    source < 0
                            ? FloatVector.zero(VectorOps.SPECIES)
                            : load(from, source + i).mul(scale),
                    to,
                    target + i);
        }
        for (int i = whole; i < columns; i++) {
            put(to, target + i, source < 0 ? 0f : get(from, source + i) * scale);
        }
    }

    @Override
    public void gatherAdd(Matrix base, Matrix source, int[] index, double[] scales, Matrix target) {
        int columns = target.columns();
        ByteBuffer from = source.bytes();
        ByteBuffer sum = base.bytes();
        ByteBuffer to = target.bytes();
        pool.rows(target, (first, last, worker) -> {
            for (int row = first; row < last; row++) {
                int at = row * columns;
                if (index[row] >= 0) {
                    float scale = scales == null ? 1f : (float) scales[row];
                    addScaled(sum, at, from, index[row] * columns, scale, to, at, columns);
                } else if (base != target) {
                    scaleRow(sum, at, 1f, to, at, columns);
                }
            }
        });
    }

    /** to = base + scale * from */
    private static void addScaled(
            ByteBuffer base,
            int baseAt,
            ByteBuffer from,
            int fromAt,
            float scale,
            ByteBuffer to,
            int toAt,
            int columns) {
        int whole = VectorOps.whole(columns);
        FloatVector factor = fill(scale);
        for (int i = 0; i < whole; i += WIDTH) {
            store(load(from, fromAt + i).fma(factor, load(base, baseAt + i)), to, toAt + i);
        }
        for (int i = whole; i < columns; i++) {
            put(to, toAt + i, Math.fma(get(from, fromAt + i), scale, get(base, baseAt + i)));
        }
    }

    @Override
    public void scatterAdd(Matrix source, int[] index, Matrix target) {
        int columns = source.columns();
        ByteBuffer from = source.bytes();
        ByteBuffer to = target.bytes();
        int rows = source.rows();
        pool.split(columns, STRIP, (first, last, worker) -> {
            for (int row = 0; row < rows; row++) {
                if (index[row] >= 0) {
                    int at = index[row] * columns + first;
                    addScaled(to, at, from, row * columns + first, 1f, to, at, last - first);
                }
            }
        });
    }

    @Override
    public void dot(Matrix a, int[] index, Matrix b, double[] products) {
        int columns = b.columns();
        ByteBuffer left = a.bytes();
        ByteBuffer right = b.bytes();
        pool.rows(b, (first, last, worker) -> {
            for (int row = first; row < last; row++) {
                int other = index == null ? row : index[row];
                products[row] =
                        other < 0 ? 0 : dotRow(left, other * columns, right, row * columns, columns, scratch[worker]);
            }
        });
    }

    private static double dotRow(
            ByteBuffer left, int leftAt, ByteBuffer right, int rightAt, int columns, float[] scratch) {
        int whole = VectorOps.whole(columns);
        FloatVector sums = FloatVector.zero(VectorOps.SPECIES);
        for (int i = 0; i < whole; i += WIDTH) {
            sums = load(left, leftAt + i).fma(load(right, rightAt + i), sums);
        }
        double sum = VectorOps.sum(sums, scratch);
        for (int i = whole; i < columns; i++) {
            sum += get(left, leftAt + i) * get(right, rightAt + i);
        }
        return sum;
    }
}

package dev.uncurl.kernel.vector;

import static dev.uncurl.kernel.vector.VectorOps.WIDTH;
import static dev.uncurl.kernel.vector.VectorOps.fill;
import static dev.uncurl.kernel.vector.VectorOps.get;
import static dev.uncurl.kernel.vector.VectorOps.load;
import static dev.uncurl.kernel.vector.VectorOps.put;
import static dev.uncurl.kernel.vector.VectorOps.store;

import dev.uncurl.kernel.AdamW;
import dev.uncurl.kernel.Matrix;
import java.nio.ByteBuffer;
import jdk.incubator.vector.FloatVector;

/**
 * {@link AdamW} with the Vector API, over P parameters in any shape. For every element, with
 * g = gradientScale * gradient: m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2, and the gradient is
 * replaced by the update stepSize m / (sqrt(v * secondCorrection) + epsilon) + decay * parameter, all in one pass in
 * single precision. The sum of squares adds blocks of {@value #BLOCK} elements in single precision, then the blocks in
 * double.
 *
 * <p>Reference: Nd4jAdamW. Checked by VectorKernelsTest.adamStepsAgree and
 * KernelEdgesTest.adamStepsAgreeFromEmptyMomentsAndForTinyGradients; timed by EngineBench.
 */
final class VectorAdamW implements AdamW {
    /** Elements that are summed in single precision; their sums are added in double. */
    private static final int BLOCK = 4096;

    /** Blocks per job. */
    private static final int BLOCKS = 16;

    private final WorkerPool pool;
    private final float[][] scratch;
    private double[] partial = {};

    VectorAdamW(WorkerPool pool) {
        this.pool = pool;
        scratch = Scratch.of(pool);
    }

    @Override
    public double sumOfSquares(Matrix x) {
        ByteBuffer values = x.bytes();
        int length = x.rows() * x.columns();
        int piece = BLOCK * BLOCKS;
        int pieces = (length + piece - 1) / piece;
        double[] sums = partial.length < pieces ? partial = new double[pieces] : partial;
        pool.split(
                length,
                piece,
                (from, to, worker) -> sums[from / piece] = sumOfSquares(values, from, to, scratch[worker]));
        double total = 0;
        for (int i = 0; i < pieces; i++) {
            total += sums[i];
        }
        return total;
    }

    private static double sumOfSquares(ByteBuffer values, int start, int end, float[] scratch) {
        double total = 0;
        for (int from = start; from < end; from += BLOCK) {
            int to = Math.min(end, from + BLOCK);
            int whole = from + VectorOps.whole(to - from);
            FloatVector squares = FloatVector.zero(VectorOps.SPECIES);
            for (int i = from; i < whole; i += WIDTH) {
                FloatVector value = load(values, i);
                squares = value.fma(value, squares);
            }
            total += VectorOps.sum(squares, scratch);
            for (int i = whole; i < to; i++) {
                total += (double) get(values, i) * get(values, i);
            }
        }
        return total;
    }

    @Override
    public void update(Coefficients coefficients, Matrix parameters, Matrix gradient, Matrix first, Matrix second) {
        ByteBuffer weights = parameters.bytes();
        ByteBuffer gradients = gradient.bytes();
        ByteBuffer firsts = first.bytes();
        ByteBuffer seconds = second.bytes();
        pool.split(
                parameters.rows() * parameters.columns(),
                BLOCK * BLOCKS,
                (from, to, worker) -> update(coefficients, weights, gradients, firsts, seconds, from, to));
    }

    private static void update(
            Coefficients coefficients,
            ByteBuffer weights,
            ByteBuffer gradients,
            ByteBuffer firsts,
            ByteBuffer seconds,
            int from,
            int to) {
        float beta1 = (float) coefficients.beta1();
        float beta2 = (float) coefficients.beta2();
        float rest1 = (float) (1 - coefficients.beta1());
        float rest2 = (float) (1 - coefficients.beta2());
        float epsilon = (float) coefficients.epsilon();
        float step = (float) coefficients.stepSize();
        float correction = (float) coefficients.secondCorrection();
        float decay = (float) coefficients.decay();
        float scale = (float) coefficients.gradientScale();
        int whole = from + VectorOps.whole(to - from);
        for (int i = from; i < whole; i += WIDTH) {
            FloatVector g = load(gradients, i).mul(scale);
            FloatVector m = load(firsts, i).mul(beta1).add(g.mul(rest1));
            FloatVector v = load(seconds, i).mul(beta2).add(g.mul(g).mul(rest2));
            store(m, firsts, i);
            store(v, seconds, i);
            FloatVector update = m.mul(step).div(v.mul(correction).sqrt().add(epsilon));
            store(load(weights, i).fma(fill(decay), update), gradients, i);
        }
        for (int i = whole; i < to; i++) {
            float g = get(gradients, i) * scale;
            float m = get(firsts, i) * beta1 + g * rest1;
            float v = get(seconds, i) * beta2 + g * g * rest2;
            put(firsts, i, m);
            put(seconds, i, v);
            float update = m * step / ((float) Math.sqrt(v * correction) + epsilon);
            put(gradients, i, Math.fma(get(weights, i), decay, update));
        }
    }
}

package dev.uncurl.kernel.vector;

import static dev.uncurl.kernel.vector.VectorOps.WIDTH;
import static dev.uncurl.kernel.vector.VectorOps.fill;
import static dev.uncurl.kernel.vector.VectorOps.get;
import static dev.uncurl.kernel.vector.VectorOps.load;
import static dev.uncurl.kernel.vector.VectorOps.put;
import static dev.uncurl.kernel.vector.VectorOps.store;

import dev.uncurl.kernel.CrossEntropy;
import dev.uncurl.kernel.Matrix;
import java.nio.ByteBuffer;
import jdk.incubator.vector.FloatVector;

/**
 * {@link CrossEntropy} with the Vector API, for logits [R, V], in single precision. For each row with target t:
 * log p = logit_t - max - log(sum_j exp(logit_j - max)), and with a scale, the logits are replaced in place by
 * scale * (softmax - onehot(t)). The exponentials are computed once and used for both.
 *
 * <p>Reference: Nd4jCrossEntropy. Checked by VectorKernelsTest.crossEntropiesAgree and
 * KernelEdgesTest.crossEntropiesAgreeForSharpAndFlatLogitsAndWideVocabularies; timed by EngineBench (part vocabulary).
 */
final class VectorCrossEntropy implements CrossEntropy {
    private final WorkerPool pool;
    private final float[][] scratch;

    VectorCrossEntropy(WorkerPool pool) {
        this.pool = pool;
        scratch = Scratch.of(pool);
    }

    @Override
    public void forward(Matrix logits, int[] targets, int first, double scale, double[] logProbabilities) {
        ByteBuffer values = logits.bytes();
        int columns = logits.columns();
        pool.rows(logits, (from, to, worker) -> {
            for (int row = from; row < to; row++) {
                int at = row * columns;
                int target = targets[first + row];
                float largest = largest(values, at, columns);
                float logit = get(values, at + target);
                float sum = exponentials(values, at, columns, largest, scale != 0, scratch[worker]);
                logProbabilities[first + row] = logit - largest - Math.log(sum);
                if (scale != 0) {
                    scaleRow(values, at, columns, (float) (scale / sum));
                    put(values, at + target, get(values, at + target) - (float) scale);
                }
            }
        });
    }

    private static float largest(ByteBuffer values, int at, int columns) {
        int whole = VectorOps.whole(columns);
        FloatVector maxima = fill(Float.NEGATIVE_INFINITY);
        for (int i = 0; i < whole; i += WIDTH) {
            maxima = maxima.max(load(values, at + i));
        }
        float largest = VectorOps.max(maxima);
        for (int i = whole; i < columns; i++) {
            largest = Math.max(largest, get(values, at + i));
        }
        return largest;
    }

    /** Sum of exp(value - largest); the terms replace the values if {@code keep}. */
    private static float exponentials(
            ByteBuffer values, int at, int columns, float largest, boolean keep, float[] scratch) {
        int whole = VectorOps.whole(columns);
        FloatVector sums = FloatVector.zero(VectorOps.SPECIES);
        for (int i = 0; i < whole; i += WIDTH) {
            FloatVector term = VectorOps.exp(load(values, at + i).sub(largest));
            sums = sums.add(term);
            if (keep) {
                store(term, values, at + i);
            }
        }
        float sum = VectorOps.sum(sums, scratch);
        for (int i = whole; i < columns; i++) {
            float term = VectorOps.exp(get(values, at + i) - largest);
            sum += term;
            if (keep) {
                put(values, at + i, term);
            }
        }
        return sum;
    }

    private static void scaleRow(ByteBuffer values, int at, int columns, float factor) {
        int whole = VectorOps.whole(columns);
        for (int i = 0; i < whole; i += WIDTH) {
            store(load(values, at + i).mul(factor), values, at + i);
        }
        for (int i = whole; i < columns; i++) {
            put(values, at + i, get(values, at + i) * factor);
        }
    }
}

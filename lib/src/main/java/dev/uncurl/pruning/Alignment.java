package dev.uncurl.pruning;

import dev.uncurl.error.UserError;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.kernel.OffHeap;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Puts the hidden neurons of experts into the order that fits a reference best: the permutation P that maximises
 *
 * <pre>
 * &lt;W1_ref, W1 P&gt; + &lt;b1_ref, b1 P&gt; + &lt;W2_ref, P^T W2&gt;
 * </pre>
 *
 * That is a linear assignment problem over the F x F inner products of neurons (a neuron being its column of W1, its
 * bias and its row of W2). The products are taken in FLOAT by two matrix products, the problem over them is solved
 * exactly, in double; then both the answer and the identity are scored in double on the weights themselves, and where
 * the answer is not better the neurons stay as they are. The expert's function is untouched.
 *
 * <p>Experts are aligned side by side, one on each of the kernels' threads. Off the heap this takes the reference, and
 * for each thread an expert and the products: 4 (2 D F + F) (1 + threads) + 4 F^2 threads bytes; at F = 4096, D = 1024
 * that is 134 MB for one thread.
 */
public final class Alignment implements AutoCloseable {
    private final Kernels kernels;
    private final Expert reference;
    private final INDArray memory;
    private final Weights fixed;
    private final Weights[] moved;
    private final Matrix[] products;

    /**
     * The part of an expert that hidden neurons have, as matrix products want it.
     *
     * @param in [D + 1, F]: W1, below it b1
     * @param out [F, D]: W2
     */
    private record Weights(Matrix in, Matrix out) {
        static Weights at(INDArray memory, long offset, int hidden, int width) {
            return new Weights(
                    Matrix.of(memory, offset, width + 1, hidden),
                    Matrix.of(memory, offset + (width + 1L) * hidden, hidden, width));
        }

        void set(Expert expert) {
            int width = expert.width();
            in.rows(0, width).write(expert.w1());
            in.rows(width, 1).write(expert.b1());
            out.write(expert.w2());
        }
    }

    /**
     * Takes the memory, until {@link #close}.
     *
     * @throws UserError (usage) when it is over the limit or more than the machine has left, (input) when a weight is NaN,
     *     infinite or too large to be multiplied
     */
    public Alignment(Kernels kernels, Expert reference) {
        this.kernels = kernels;
        this.reference = reference;
        int hidden = reference.feedForward();
        int width = reference.width();
        int threads = kernels.threads();
        checkMemory(hidden, width, threads);
        checkWeights(reference);
        long expert = weights(hidden, width);
        memory = Nd4j.create(DataType.FLOAT, bytes(hidden, width, threads) / Float.BYTES);
        fixed = Weights.at(memory, 0, hidden, width);
        fixed.set(reference);
        moved = new Weights[threads];
        products = new Matrix[threads];
        for (int thread = 0; thread < threads; thread++) {
            moved[thread] = Weights.at(memory, (1L + thread) * expert, hidden, width);
            long place = (1L + threads) * expert + (long) thread * hidden * hidden;
            products[thread] = Matrix.of(memory, place, hidden, hidden);
        }
    }

    private static long weights(int hidden, int width) {
        return 2L * hidden * width + hidden;
    }

    /** Bytes off the heap. */
    static long bytes(int hidden, int width, int threads) {
        return Float.BYTES * ((1L + threads) * weights(hidden, width) + (long) threads * hidden * hidden);
    }

    /** @throws UserError (usage) when experts of this shape cannot be aligned in this process */
    static void checkMemory(int hidden, int width, int threads) {
        String what = "Aligning experts of F = " + hidden + ", D = " + width + " on " + threads + " thread(s) takes ";
        if ((long) hidden * hidden > Integer.MAX_VALUE / Float.BYTES) {
            throw UserError.usage(what + "more than 2 GiB for the products of neurons", "Merge with --align off.");
        }
        long needed = bytes(hidden, width, threads);
        long limit = OffHeap.limit();
        if (limit > 0 && needed > limit) {
            throw UserError.usage(
                    what + megabytes(needed) + " off the heap, over the limit of " + megabytes(limit),
                    "Raise UNCURL_OFFHEAP of jobs/submit (-Dorg.bytedeco.javacpp.maxbytes), or give a task fewer"
                            + " threads.");
        }
        long free = OffHeap.free();
        if (free > 0 && needed > free) {
            throw UserError.usage(
                    what + megabytes(needed) + " off the heap; this machine has " + megabytes(free) + " left",
                    "Run fewer tasks at a time, or give a task fewer threads.");
        }
    }

    private static String megabytes(long bytes) {
        return String.format(Locale.ROOT, "%.1f MB", bytes / 1e6);
    }

    /** Neurons' products stay finite when those of whole experts do. */
    private static void checkWeights(Expert expert) {
        double squares = 0;
        for (float[] tensor : expert.tensors()) {
            for (float value : tensor) {
                squares += (double) value * value;
            }
        }
        if (!(squares < Float.MAX_VALUE)) {
            throw UserError.input(
                    "An expert has weights that are NaN, infinite or beyond 1e19",
                    "Use a checkpoint from before it diverged.");
        }
    }

    /** Experts that are aligned at the same time: the kernels' threads. */
    int sideBySide() {
        return moved.length;
    }

    /**
     * @param experts at most {@link #sideBySide}
     * @return for each expert, for each neuron of the reference the neuron of the expert that belongs there, as
     *     {@link Expert#permuted} takes it
     * @throws UserError (input) as the constructor
     */
    int[][] permutations(List<Expert> experts) {
        if (experts.size() > sideBySide()) {
            throw new IllegalArgumentException(experts.size() + " experts, but room for " + sideBySide());
        }
        for (Expert expert : experts) {
            if (expert.feedForward() != reference.feedForward() || expert.width() != reference.width()) {
                throw new IllegalArgumentException("Experts of different shapes cannot be aligned");
            }
            checkWeights(expert);
        }
        for (int place = 0; place < experts.size(); place++) {
            moved[place].set(experts.get(place)); // makes views of matrices, which is for one thread
        }
        int[][] permutations = new int[experts.size()][];
        kernels.parallelFor(experts.size(), place -> {
            permutations[place] = permutation(experts.get(place), moved[place], products[place]);
        });
        return permutations;
    }

    private int[] permutation(Expert expert, Weights weights, Matrix products) {
        kernels.matrixProduct().multiply(fixed.in, true, weights.in, false, 0, products);
        kernels.matrixProduct().multiply(fixed.out, false, weights.out, true, 1, products);
        int[] best = kernels.assignment().maximize(products);
        int[] identity = IntStream.range(0, best.length).toArray();
        return score(reference, expert, best) > score(reference, expert, identity) ? best : identity;
    }

    /** What the permutation maximises, in double. */
    public static double score(Expert reference, Expert expert, int[] permutation) {
        int hidden = reference.feedForward();
        int width = reference.width();
        double score = 0;
        for (int d = 0; d < width; d++) {
            for (int i = 0; i < hidden; i++) {
                score += (double) reference.w1()[d * hidden + i] * expert.w1()[d * hidden + permutation[i]];
            }
        }
        for (int i = 0; i < hidden; i++) {
            score += (double) reference.b1()[i] * expert.b1()[permutation[i]];
            int from = permutation[i] * width;
            for (int d = 0; d < width; d++) {
                score += (double) reference.w2()[i * width + d] * expert.w2()[from + d];
            }
        }
        return score;
    }

    /** Gives the memory back. */
    @Override
    public void close() {
        memory.close();
    }
}

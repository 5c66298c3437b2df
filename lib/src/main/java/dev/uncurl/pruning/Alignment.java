package dev.uncurl.pruning;

import dev.uncurl.error.UserError;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.kernel.OffHeap;
import dev.uncurl.model.spec.NeuronAxis;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Finds the order of the hidden neurons of experts that fits a reference best: the permutation P that maximises the sum,
 * over the tensors T of an expert that have neurons, of
 *
 * <pre>
 * &lt;T_ref, T P&gt; where neurons are columns,   &lt;T_ref, P^T T&gt; where they are rows
 * </pre>
 *
 * That is a linear assignment problem over the F x F inner products of neurons, where a neuron is the vector of all its
 * weights: in a GPT-2, its column of W1, its bias and its row of W2. The inner products are computed in FLOAT by matrix
 * products, the assignment problem over them is solved exactly, in double; then both the solution and the identity are scored
 * in double on the weights themselves, and if the solution is not better the neurons stay where they are. The function of the
 * expert does not change.
 *
 * <p>Experts are aligned in parallel, one on each of the kernels' threads. Off the heap this takes the reference, and for
 * each thread an expert and the inner products: 4 F N (1 + threads) + 4 F^2 threads bytes, N being the weights of a neuron
 * (2 D + 1 in a GPT-2); at F = 4096, D = 1024 that is 134 MB for one thread.
 */
public final class Alignment implements AutoCloseable {
    private final Kernels kernels;
    private final Expert reference;
    private final INDArray memory;
    private final Weights fixed;
    private final Weights[] moved;
    private final Matrix[] products;

    /**
     * The weights of an expert's hidden neurons, as matrix products need them.
     *
     * @param columns the tensors with neurons as columns, one below the other; empty when there are none
     * @param rows [F, ..] each: the tensors with neurons as rows
     */
    private record Weights(Optional<Matrix> columns, List<Matrix> rows) {
        static Weights at(INDArray memory, long offset, Expert like) {
            int hidden = like.neurons();
            int stacked = 0;
            for (Expert.Part part : like.parts()) {
                stacked += part.isByColumns() ? part.valuesOfNeuron() : 0;
            }
            Optional<Matrix> columns =
                    stacked == 0 ? Optional.empty() : Optional.of(Matrix.of(memory, offset, stacked, hidden));
            var rows = new ArrayList<Matrix>();
            long next = offset + (long) stacked * hidden;
            for (Expert.Part part : like.parts()) {
                if (part.hasNeurons() && !part.isByColumns()) {
                    rows.add(Matrix.of(memory, next, hidden, part.valuesOfNeuron()));
                    next += part.values().length;
                }
            }
            return new Weights(columns, rows);
        }

        void set(Expert expert) {
            int below = 0;
            int next = 0;
            for (Expert.Part part : expert.parts()) {
                if (part.isByColumns()) {
                    columns.orElseThrow().rows(below, part.valuesOfNeuron()).write(part.values());
                    below += part.valuesOfNeuron();
                } else if (part.hasNeurons()) {
                    rows.get(next++).write(part.values());
                }
            }
        }
    }

    /**
     * Allocates the memory, until {@link #close}.
     *
     * @throws UserError (usage) when it is over the limit or more than the machine has left, (input) when a weight is NaN,
     *     infinite or too large to be multiplied
     */
    public Alignment(Kernels kernels, Expert reference) {
        this.kernels = kernels;
        this.reference = reference;
        int hidden = reference.neurons();
        int each = reference.valuesOfNeuron();
        int threads = kernels.threads();
        checkMemory(hidden, each, threads);
        checkWeights(reference);
        long expert = (long) hidden * each;
        memory = Nd4j.create(DataType.FLOAT, bytes(hidden, each, threads) / Float.BYTES);
        fixed = Weights.at(memory, 0, reference);
        fixed.set(reference);
        moved = new Weights[threads];
        products = new Matrix[threads];
        for (int thread = 0; thread < threads; thread++) {
            moved[thread] = Weights.at(memory, (1L + thread) * expert, reference);
            long offset = (1L + threads) * expert + (long) thread * hidden * hidden;
            products[thread] = Matrix.of(memory, offset, hidden, hidden);
        }
    }

    /** Bytes off the heap; {@code each} is the number of weights of a neuron. */
    static long bytes(int hidden, int each, int threads) {
        return Float.BYTES * ((1L + threads) * hidden * each + (long) threads * hidden * hidden);
    }

    /** @throws UserError (usage) when experts of this shape cannot be aligned in this process */
    static void checkMemory(int hidden, int each, int threads) {
        String what = "Aligning experts of F = " + hidden + " neurons of " + each + " weights on " + threads
                + " thread(s) takes ";
        if ((long) hidden * hidden > Integer.MAX_VALUE / Float.BYTES) {
            throw UserError.usage(what + "more than 2 GiB for the products of neurons", "Merge with --align off.");
        }
        long needed = bytes(hidden, each, threads);
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

    /** The inner products of neurons are finite when those of whole experts are. */
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
    int capacity() {
        return moved.length;
    }

    /**
     * @param experts at most {@link #capacity}
     * @return for each expert, for each neuron of the reference the neuron of the expert that matches it
     * @throws UserError (input) as the constructor
     */
    int[][] permutations(List<Expert> experts) {
        if (experts.size() > capacity()) {
            throw new IllegalArgumentException(experts.size() + " experts, but room for " + capacity());
        }
        for (Expert expert : experts) {
            if (!expert.isLike(reference)) {
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
        float beta = 0;
        if (fixed.columns.isPresent()) {
            kernels.matrixProduct().multiply(fixed.columns.get(), true, weights.columns.get(), false, beta, products);
            beta = 1;
        }
        for (int part = 0; part < fixed.rows.size(); part++) {
            kernels.matrixProduct().multiply(fixed.rows.get(part), false, weights.rows.get(part), true, beta, products);
            beta = 1;
        }
        int[] best = kernels.assignment().maximize(products);
        int[] identity = IntStream.range(0, best.length).toArray();
        return score(reference, expert, best) > score(reference, expert, identity) ? best : identity;
    }

    /** The score that the permutation maximises, in double. */
    public static double score(Expert reference, Expert expert, int[] permutation) {
        int hidden = reference.neurons();
        double score = 0;
        for (int p = 0; p < reference.parts().size(); p++) {
            if (reference.parts().get(p).tensor().neuronAxis() == NeuronAxis.COLUMNS) {
                float[] fixed = reference.parts().get(p).values();
                float[] moved = expert.parts().get(p).values();
                for (int row = 0; row < fixed.length; row += hidden) {
                    for (int i = 0; i < hidden; i++) {
                        score += (double) fixed[row + i] * moved[row + permutation[i]];
                    }
                }
            }
        }
        for (int i = 0; i < hidden; i++) {
            for (int p = 0; p < reference.parts().size(); p++) {
                if (reference.parts().get(p).tensor().neuronAxis() == NeuronAxis.ROWS) {
                    float[] fixed = reference.parts().get(p).values();
                    float[] moved = expert.parts().get(p).values();
                    int run = reference.parts().get(p).tensor().run();
                    for (int d = 0; d < run; d++) {
                        score += (double) fixed[i * run + d] * moved[permutation[i] * run + d];
                    }
                }
            }
        }
        return score;
    }

    /** Releases the memory. */
    @Override
    public void close() {
        memory.close();
    }
}

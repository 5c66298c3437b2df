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
 * Aligns the hidden neurons of experts to those of a reference expert: finds the permutation P that maximises the following
 * sum over the tensors T of an expert that have neurons.
 *
 * <pre>
 * &lt;T_ref, T P&gt; where neurons are columns,   &lt;T_ref, P^T T&gt; where they are rows
 * </pre>
 *
 * This is a linear assignment problem on the F x F inner products of neurons. A neuron is the vector of all its weights: in a
 * GPT-2, its column of W1, its bias and its row of W2. The inner products are computed in FLOAT by matrix products; the
 * assignment problem is solved exactly, in double. Then the solution and the identity are both scored in double on the
 * weights. If the solution does not score higher, the identity is used. Alignment does not change the function of an expert.
 *
 * <p>Experts are aligned in parallel, one on each thread of the kernels. The off-heap memory contains the reference, and for
 * each thread an expert and the inner products: 4 F N (1 + threads) + 4 F^2 threads bytes, where N is the number of weights
 * of a neuron (2 D + 1 in a GPT-2). With F = 4096 and D = 1024 this is 134 MB for one thread.
 */
public final class Alignment implements AutoCloseable {
    private final Kernels kernels;
    private final Expert reference;
    private final INDArray memory;
    private final Weights fixed;
    private final Weights[] moved;
    private final Matrix[] products;

    /**
     * The weights of the hidden neurons of an expert, as operands of matrix products.
     *
     * @param columns the tensors with neurons as columns, stacked vertically [.., F]; empty if there are none
     * @param rows the tensors with neurons as rows, each [F, ..]
     */
    private record Weights(Optional<Matrix> columns, List<Matrix> rows) {
        static Weights at(INDArray memory, long offset, Expert shape) {
            int hidden = shape.neurons();
            int stacked = 0;
            for (Expert.Part part : shape.parts()) {
                stacked += part.hasNeuronsAsColumns() ? part.valuesPerNeuron() : 0;
            }
            Optional<Matrix> columns =
                    stacked == 0 ? Optional.empty() : Optional.of(Matrix.of(memory, offset, stacked, hidden));
            var rows = new ArrayList<Matrix>();
            long next = offset + (long) stacked * hidden;
            for (Expert.Part part : shape.parts()) {
                if (part.hasNeurons() && !part.hasNeuronsAsColumns()) {
                    rows.add(Matrix.of(memory, next, hidden, part.valuesPerNeuron()));
                    next += part.values().length;
                }
            }
            return new Weights(columns, rows);
        }

        void set(Expert expert) {
            int row = 0;
            int next = 0;
            for (Expert.Part part : expert.parts()) {
                if (part.hasNeuronsAsColumns()) {
                    columns.orElseThrow().rows(row, part.valuesPerNeuron()).write(part.values());
                    row += part.valuesPerNeuron();
                } else if (part.hasNeurons()) {
                    rows.get(next++).write(part.values());
                }
            }
        }
    }

    /**
     * Allocates the off-heap memory, which {@link #close} releases.
     *
     * @throws UserError (usage) if the memory exceeds the limit or the free memory of the machine, (input) if a weight is
     *     NaN, infinite or too large to be multiplied
     */
    public Alignment(Kernels kernels, Expert reference) {
        this.kernels = kernels;
        this.reference = reference;
        int hidden = reference.neurons();
        int weightsPerNeuron = reference.valuesPerNeuron();
        int threads = kernels.threads();
        checkMemory(hidden, weightsPerNeuron, threads);
        checkWeights(reference);
        long expert = (long) hidden * weightsPerNeuron;
        memory = Nd4j.create(DataType.FLOAT, bytes(hidden, weightsPerNeuron, threads) / Float.BYTES);
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

    /** Off-heap memory in bytes. */
    static long bytes(int hidden, int weightsPerNeuron, int threads) {
        return Float.BYTES * ((1L + threads) * hidden * weightsPerNeuron + (long) threads * hidden * hidden);
    }

    /** @throws UserError (usage) if this process has too little off-heap memory to align experts of this shape */
    static void checkMemory(int hidden, int weightsPerNeuron, int threads) {
        String what = "Aligning experts of F = " + hidden + " neurons of " + weightsPerNeuron + " weights on " + threads
                + " thread(s) takes ";
        if ((long) hidden * hidden > Integer.MAX_VALUE / Float.BYTES) {
            throw UserError.usage(what + "more than 2 GiB for the products of neurons", "Merge with --align off.");
        }
        long needed = bytes(hidden, weightsPerNeuron, threads);
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

    /** The inner products of neurons are finite if the sum of the squares of all weights is. */
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

    /** The maximal number of experts that are aligned at the same time: the threads of the kernels. */
    int parallelism() {
        return moved.length;
    }

    /**
     * @param experts at most {@link #parallelism}
     * @return the permutation of each expert: for each neuron of the reference the matching neuron of the expert
     * @throws UserError (input) if a weight is NaN, infinite or too large to be multiplied
     */
    int[][] permutations(List<Expert> experts) {
        if (experts.size() > parallelism()) {
            throw new IllegalArgumentException(experts.size() + " experts to align; the maximum is " + parallelism());
        }
        for (Expert expert : experts) {
            if (!expert.hasShapeOf(reference)) {
                throw new IllegalArgumentException("Experts of different shapes cannot be aligned");
            }
            checkWeights(expert);
        }
        for (int i = 0; i < experts.size(); i++) {
            moved[i].set(experts.get(i)); // not in parallel: views of a matrix are created by one thread only
        }
        int[][] permutations = new int[experts.size()][];
        kernels.parallelFor(experts.size(), i -> {
            permutations[i] = permutation(experts.get(i), moved[i], products[i]);
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

    /** The sum that the best permutation maximises, in double. */
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

    /** Releases the off-heap memory. */
    @Override
    public void close() {
        memory.close();
    }
}

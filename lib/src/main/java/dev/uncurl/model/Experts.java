package dev.uncurl.model;

import dev.uncurl.kernel.GroupedProduct;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.model.spec.ParameterLayout;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/** Successive experts of one block, each of which multiplies contiguous rows of the same matrices. */
final class Experts {
    private final Kernels kernels;
    private final DenseFeedForward[] experts;
    private final int[] order;
    private final List<Matrix> inWeights;
    private final List<Matrix> outWeights;

    /** Experts {@code from} to {@code to} of a block. */
    Experts(Kernels kernels, Parameter.Source source, int layer, int from, int to) {
        this.kernels = kernels;
        experts = IntStream.range(from, to)
                .mapToObj(expert -> new DenseFeedForward(kernels, source, ParameterLayout.expert(layer, expert)))
                .toArray(DenseFeedForward[]::new);
        order = new int[experts.length];
        inWeights = all(expert -> expert.inWeight().value());
        outWeights = all(expert -> expert.outWeight().value());
    }

    private List<Matrix> all(Function<DenseFeedForward, Matrix> part) {
        return Arrays.stream(experts).map(part).toList();
    }

    int count() {
        return experts.length;
    }

    DenseFeedForward expert(int index) {
        return experts[index];
    }

    /**
     * @param start [E + 1] the rows of expert e are those from start[e] to start[e + 1]
     * @param x [R, D]; the others, [R, F], [R, F] and [R, D], are written
     */
    void forward(int[] start, Matrix x, Matrix hidden, Matrix activated, Matrix output) {
        GroupedProduct grouped = kernels.matrixProduct().grouped();
        if (grouped != null) {
            forward(grouped, start, x, hidden, activated, output);
            return;
        }
        each(start, expert -> {
            int from = start[expert];
            int count = start[expert + 1] - from;
            if (count > 0) {
                Matrix y = output.rows(from, count);
                experts[expert].forward(x.rows(from, count), hidden.rows(from, count), activated.rows(from, count), y);
                kernels.bias().add(y, experts[expert].outputBias());
            }
        });
    }

    /** Overwrites the gradients of the parameters, and {@code dHidden} and {@code dx}; see {@link DenseFeedForward}. */
    void backward(int[] start, Matrix x, Matrix hidden, Matrix activated, Matrix dy, Matrix dHidden, Matrix dx) {
        GroupedProduct grouped = kernels.matrixProduct().grouped();
        if (grouped != null) {
            backward(grouped, start, x, hidden, activated, dy, dHidden, dx);
            return;
        }
        each(start, expert -> {
            int from = start[expert];
            int count = start[expert + 1] - from;
            experts[expert].backward(
                    x.rows(from, count),
                    hidden.rows(from, count),
                    activated.rows(from, count),
                    dy.rows(from, count),
                    dHidden.rows(from, count),
                    dx.rows(from, count));
        });
    }

    /** Each product of all experts together, with the same results. */
    private void forward(
            GroupedProduct grouped, int[] start, Matrix x, Matrix hidden, Matrix activated, Matrix output) {
        grouped.rows(start, x, inWeights, false, hidden);
        for (int expert = 0; expert < experts.length; expert++) {
            if (rows(start, expert) > 0) {
                experts[expert].activate(of(hidden, start, expert), of(activated, start, expert));
            }
        }
        grouped.rows(start, activated, outWeights, false, output);
        for (int expert = 0; expert < experts.length; expert++) {
            if (rows(start, expert) > 0) {
                kernels.bias().add(of(output, start, expert), experts[expert].outputBias());
            }
        }
    }

    private void backward(
            GroupedProduct grouped,
            int[] start,
            Matrix x,
            Matrix hidden,
            Matrix activated,
            Matrix dy,
            Matrix dHidden,
            Matrix dx) {
        grouped.sums(start, activated, dy, all(expert -> expert.outWeight().gradient()));
        grouped.rows(start, dy, outWeights, true, dHidden);
        for (int expert = 0; expert < experts.length; expert++) {
            experts[expert].backwardOutputBias(of(dy, start, expert));
            experts[expert].backwardActivation(of(hidden, start, expert), of(dHidden, start, expert));
        }
        grouped.sums(start, x, dHidden, all(expert -> expert.inWeight().gradient()));
        grouped.rows(start, dHidden, inWeights, true, dx);
    }

    private static Matrix of(Matrix matrix, int[] start, int expert) {
        return matrix.rows(start[expert], rows(start, expert));
    }

    /**
     * Runs the largest experts one after another, each on all threads, then the remaining small ones in parallel, each
     * on one thread. The results have the same bits either way.
     */
    private void each(int[] start, IntConsumer expert) {
        sortLargestFirst(start);
        int alone = 0;
        while (alone < order.length && rows(start, order[alone]) * 2 * kernels.threads() > start[experts.length]) {
            expert.accept(order[alone++]);
        }
        int together = alone;
        kernels.parallelFor(order.length - together, index -> expert.accept(order[together + index]));
    }

    private static int rows(int[] start, int expert) {
        return start[expert + 1] - start[expert];
    }

    /** The experts by decreasing number of rows, ties by id. */
    private void sortLargestFirst(int[] start) {
        for (int expert = 0; expert < order.length; expert++) {
            int at = expert;
            for (; at > 0 && rows(start, order[at - 1]) < rows(start, expert); at--) {
                order[at] = order[at - 1];
            }
            order[at] = expert;
        }
    }
}

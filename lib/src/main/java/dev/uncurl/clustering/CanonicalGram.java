package dev.uncurl.clustering;

import dev.uncurl.routing.RouterGram;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * The inner products G of a matrix's columns in a canonical order, independent of expert ids: by G_ii, then by the
 * sorted row of G, and only if both are equal (identical columns above all) by the id. An algorithm that draws or
 * breaks ties by position in this order gives the same clusters when the experts are renumbered.
 */
public final class CanonicalGram {
    private final int[] order;
    private final double[] gram;

    private CanonicalGram(int[] order, double[] gram) {
        this.order = order;
        this.gram = gram;
    }

    /** The columns of {@code gram} in the order of their content. */
    public static CanonicalGram of(RouterGram gram) {
        int[] order = contentOrder(gram);
        int count = order.length;
        double[] reordered = new double[count * count];
        for (int i = 0; i < count; i++) {
            for (int j = 0; j < count; j++) {
                reordered[i * count + j] = gram.at(order[i], order[j]);
            }
        }
        return new CanonicalGram(order, reordered);
    }

    /** Other inner products in the same order. @param products [E, E] symmetric, by position */
    CanonicalGram inPlaces(double[] products) {
        return new CanonicalGram(order, products);
    }

    private static int[] contentOrder(RouterGram gram) {
        int experts = gram.experts();
        double[][] keys = new double[experts][];
        for (int i = 0; i < experts; i++) {
            int row = i;
            double[] sorted = IntStream.range(0, experts)
                    .mapToDouble(j -> gram.at(row, j))
                    .sorted()
                    .toArray();
            keys[i] = new double[experts + 1];
            keys[i][0] = gram.at(i, i);
            System.arraycopy(sorted, 0, keys[i], 1, experts);
        }
        return IntStream.range(0, experts)
                .boxed()
                .sorted(Comparator.comparing((Integer i) -> keys[i], Arrays::compare))
                .mapToInt(Integer::intValue)
                .toArray();
    }

    /** E. */
    public int count() {
        return order.length;
    }

    /** The expert at a position of the order. */
    public int expert(int place) {
        return order[place];
    }

    /** Inner product of the columns at two positions. */
    public double at(int i, int j) {
        return gram[i * order.length + j];
    }

    /** Squared Euclidean distance of the columns at two positions, at least 0. */
    public double squaredDistance(int i, int j) {
        return Math.max(0, at(i, i) - 2 * at(i, j) + at(j, j));
    }

    /** @return [E, E], by position */
    double[][] squaredDistances() {
        double[][] distances = new double[order.length][order.length];
        for (int i = 0; i < order.length; i++) {
            for (int j = 0; j < i; j++) {
                distances[i][j] = squaredDistance(i, j);
                distances[j][i] = distances[i][j];
            }
        }
        return distances;
    }

    /** Converts labels by position to labels by expert, with clusters numbered by their lowest expert. */
    int[] byExpert(int[] labels) {
        int[] byExpert = new int[labels.length];
        for (int place = 0; place < labels.length; place++) {
            byExpert[order[place]] = labels[place];
        }
        return Labels.canonical(byExpert);
    }
}

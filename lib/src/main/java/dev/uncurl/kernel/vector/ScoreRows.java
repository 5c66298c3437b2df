package dev.uncurl.kernel.vector;

import dev.uncurl.kernel.Matrix;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The passes of {@link VectorAssignment} over a row of scores. The regret of a row for a column is price - score,
 * computed in double, with the same bits in vector and scalar code.
 */
final class ScoreRows {
    private static final VectorSpecies<Double> DOUBLES = DoubleVector.SPECIES_PREFERRED;
    private static final int WIDTH = DOUBLES.length();
    private static final VectorSpecies<Float> FLOATS =
            FloatVector.SPECIES_PREFERRED.withShape(VectorShape.forBitSize(DOUBLES.vectorBitSize() / 2));
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();

    /** Keeps the memory alive. */
    private final Matrix matrix;

    private final ByteBuffer scores;
    private final int size;
    private final int whole;
    private final double[] lowest = new double[WIDTH];
    private final double[] columns = new double[WIDTH];
    private final double[] second = new double[WIDTH];

    ScoreRows(Matrix matrix) {
        this.matrix = matrix;
        scores = this.matrix.bytes();
        size = matrix.rows();
        whole = size - size % WIDTH;
    }

    double score(int row, int column) {
        return scores.getFloat((row * size + column) << 2);
    }

    private static DoubleVector load(ByteBuffer scores, int index) {
        return (DoubleVector) FloatVector.fromByteBuffer(FLOATS, scores, index << 2, ORDER)
                .convertShape(VectorOperators.F2D, DOUBLES, 0);
    }

    /** prices = max(prices, row) */
    void raise(int row, double[] prices) {
        raise(scores, row * size, prices, whole);
        for (int j = whole; j < size; j++) {
            prices[j] = Math.max(prices[j], score(row, j));
        }
    }

    private static void raise(ByteBuffer scores, int at, double[] prices, int whole) {
        for (int j = 0; j < whole; j += WIDTH) {
            DoubleVector.fromArray(DOUBLES, prices, j).max(load(scores, at + j)).intoArray(prices, j);
        }
    }

    /**
     * The column of lowest regret, and its distance to the second.
     *
     * @param column with the lowest regret; the first of several
     * @param margin second-lowest regret minus the lowest
     */
    record Bid(int column, double margin) {}

    Bid bid(int row, double[] prices) {
        bid(scores, row * size, prices, whole, lowest, columns, second);
        int column = -1;
        double first = Double.POSITIVE_INFINITY;
        double next = Double.POSITIVE_INFINITY;
        for (int lane = 0; lane < WIDTH + size - whole; lane++) {
            boolean tail = lane >= WIDTH;
            int j = tail ? whole + lane - WIDTH : (int) columns[lane];
            double regret = tail ? prices[j] - score(row, j) : lowest[lane];
            if (regret < first || (regret == first && j < column)) {
                next = first;
                first = regret;
                column = j;
            } else {
                next = Math.min(next, regret);
            }
            next = tail ? next : Math.min(next, second[lane]);
        }
        return new Bid(column, next - first);
    }

    private static void bid(
            ByteBuffer scores, int at, double[] prices, int whole, double[] lowest, double[] columns, double[] second) {
        var first = DoubleVector.broadcast(DOUBLES, Double.POSITIVE_INFINITY);
        DoubleVector next = first;
        var column = DoubleVector.zero(DOUBLES);
        DoubleVector here = DoubleVector.zero(DOUBLES).addIndex(1);
        for (int j = 0; j < whole; j += WIDTH) {
            DoubleVector regret = DoubleVector.fromArray(DOUBLES, prices, j).sub(load(scores, at + j));
            column = column.blend(here, regret.lt(first));
            next = next.min(regret.max(first));
            first = first.min(regret);
            here = here.add(WIDTH);
        }
        first.intoArray(lowest, 0);
        column.intoArray(columns, 0);
        next.intoArray(second, 0);
    }

    /** reached = min(reached, offset + regret); returns the minimum of reached. */
    double relax(int row, double offset, double[] prices, double[] reached) {
        double least = relax(scores, row * size, offset, prices, reached, whole);
        for (int j = whole; j < size; j++) {
            reached[j] = Math.min(reached[j], offset + (prices[j] - score(row, j)));
            least = Math.min(least, reached[j]);
        }
        return least;
    }

    private static double relax(
            ByteBuffer scores, int at, double offset, double[] prices, double[] reached, int whole) {
        var start = DoubleVector.broadcast(DOUBLES, offset);
        var least = DoubleVector.broadcast(DOUBLES, Double.POSITIVE_INFINITY);
        for (int j = 0; j < whole; j += WIDTH) {
            DoubleVector regret = DoubleVector.fromArray(DOUBLES, prices, j).sub(load(scores, at + j));
            DoubleVector nearer = DoubleVector.fromArray(DOUBLES, reached, j).min(start.add(regret));
            nearer.intoArray(reached, j);
            least = least.min(nearer);
        }
        return least.reduceLanes(VectorOperators.MIN);
    }

    /**
     * The first index from {@code from} on at which {@code values} equals {@code value}; the length if there is none.
     */
    static int find(double[] values, double value, int from) {
        int j = from;
        for (; j < values.length && j % WIDTH != 0; j++) {
            if (values[j] == value) {
                return j;
            }
        }
        for (; j + WIDTH <= values.length; j += WIDTH) {
            VectorMask<Double> equal =
                    DoubleVector.fromArray(DOUBLES, values, j).eq(value);
            if (equal.anyTrue()) {
                return j + equal.firstTrue();
            }
        }
        while (j < values.length && values[j] != value) {
            j++;
        }
        return j;
    }
}

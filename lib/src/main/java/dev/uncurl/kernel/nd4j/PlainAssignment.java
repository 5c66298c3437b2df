package dev.uncurl.kernel.nd4j;

import dev.uncurl.kernel.LinearAssignment;
import dev.uncurl.kernel.Matrix;
import java.util.Arrays;

/**
 * {@link LinearAssignment} on a copy of the scores in host memory, without the Vector API. Shortest augmenting paths
 * (Jonker and Volgenant 1987) in the form of Crouse (2016): reduces columns and rows, assigns the pairs that this
 * determines, then runs one Dijkstra search per remaining row. Time O(n^3) in the worst case, O(n^2) if each row has
 * its own best column; memory O(n) in addition to the scores.
 *
 * <p>With cost = -score, the search maintains duals u, v with cost_ij - u_i - v_j &gt;= 0, and = 0 for assigned pairs,
 * which proves that no assignment is better.
 */
public final class PlainAssignment {
    private static final int NONE = -1;

    private final double[] scores;
    private final int size;
    private final double[] u;
    private final double[] v;
    private final int[] columnOfRow;
    private final int[] rowOfColumn;
    private final int[] rowBefore;
    private final double[] pathCost;
    private final int[] open;

    private PlainAssignment(double[] scores, int size) {
        this.scores = scores;
        this.size = size;
        u = new double[size];
        v = new double[size];
        columnOfRow = new int[size];
        rowOfColumn = new int[size];
        rowBefore = new int[size];
        pathCost = new double[size];
        open = new int[size];
        Arrays.fill(columnOfRow, NONE);
        Arrays.fill(rowOfColumn, NONE);
    }

    /** As {@link LinearAssignment#maximize}. */
    public static int[] maximize(Matrix scores) {
        double[] values = new double[Math.multiplyExact(scores.rows(), scores.columns())];
        scores.read(values);
        return maximize(values, scores.rows());
    }

    /**
     * @param scores [n, n] row-major, all finite; unchanged
     * @return the column of each row
     */
    static int[] maximize(double[] scores, int size) {
        if (scores.length != Math.multiplyExact(size, size)) {
            throw new IllegalArgumentException(scores.length + " scores are not " + size + " x " + size);
        }
        var problem = new PlainAssignment(scores, size);
        problem.reduce();
        for (int row = 0; row < size; row++) {
            if (problem.columnOfRow[row] == NONE) {
                problem.augment(row);
            }
        }
        return problem.columnOfRow;
    }

    private void reduce() {
        Arrays.fill(v, Double.POSITIVE_INFINITY);
        for (int i = 0; i < size; i++) {
            int row = i * size;
            for (int j = 0; j < size; j++) {
                v[j] = Math.min(v[j], -scores[row + j]);
            }
        }
        for (int i = 0; i < size; i++) {
            int row = i * size;
            double lowest = Double.POSITIVE_INFINITY;
            int best = NONE;
            for (int j = 0; j < size; j++) {
                double reduced = -scores[row + j] - v[j];
                if (reduced < lowest || (reduced == lowest && rowOfColumn[best] != NONE && rowOfColumn[j] == NONE)) {
                    lowest = reduced;
                    best = j;
                }
            }
            u[i] = lowest;
            if (rowOfColumn[best] == NONE) {
                rowOfColumn[best] = i;
                columnOfRow[i] = best;
            }
        }
    }

    /** Finds the cheapest alternating path from a free row to a free column, and swaps along it. */
    private void augment(int start) {
        Arrays.fill(pathCost, Double.POSITIVE_INFINITY);
        for (int j = 0; j < size; j++) {
            open[j] = j;
        }
        int left = size;
        double cost = 0;
        int row = start;
        int sink = NONE;
        while (sink == NONE) {
            int nearest = scan(row, cost, left);
            int column = open[nearest];
            cost = pathCost[column];
            // closed columns gather behind the open ones
            open[nearest] = open[--left];
            open[left] = column;
            row = rowOfColumn[column];
            if (row == NONE) {
                sink = column;
            }
        }
        u[start] += cost;
        for (int k = left; k < size; k++) {
            int column = open[k];
            double slack = cost - pathCost[column];
            v[column] -= slack;
            if (column != sink) {
                u[rowOfColumn[column]] += slack;
            }
        }
        int column = sink;
        int before;
        do {
            before = rowBefore[column];
            rowOfColumn[column] = before;
            int next = columnOfRow[before];
            columnOfRow[before] = column;
            column = next;
        } while (before != start);
    }

    /** Relaxes the edges of {@code row}; gives the place in {@code open} of the nearest column, free ones first. */
    private int scan(int row, double cost, int left) {
        double offset = cost - u[row];
        int base = row * size;
        double lowest = Double.POSITIVE_INFINITY;
        int nearest = NONE;
        for (int k = 0; k < left; k++) {
            int j = open[k];
            double through = offset - scores[base + j] - v[j];
            if (through < pathCost[j]) {
                pathCost[j] = through;
                rowBefore[j] = row;
            }
            double reached = pathCost[j];
            if (reached < lowest || (reached == lowest && rowOfColumn[j] == NONE)) {
                lowest = reached;
                nearest = k;
            }
        }
        return nearest;
    }
}

package dev.uncurl.kernel.vector;

import dev.uncurl.kernel.LinearAssignment;
import dev.uncurl.kernel.Matrix;
import java.util.Arrays;

/**
 * {@link LinearAssignment} of scores [n, n] by shortest augmenting paths (Jonker and Volgenant 1987). Every column has
 * a price, initially its highest score; the regret of a row for a column is price - score. Then, in the order of the
 * rows:
 *
 * <ol>
 *   <li>each row takes the column of its least regret and raises its price by the difference to the second-least regret
 *       ("augmenting row reduction"); a row that loses its column bids again. A row whose choice ties with a taken column
 *       is left to the second step, as are all remaining rows after {@value #BIDS_PER_ROW} bids per row;
 *   <li>for each remaining row, one Dijkstra search finds the cheapest alternating path to a free column, and the
 *       columns along it are reassigned. Among columns at the same distance, a free one comes first, then the lowest
 *       index.
 * </ol>
 *
 * Each assigned column always has the least regret of its row. This proves optimality: the sum of the prices minus the
 * sum of the rows' least regrets is an upper bound of every assignment's score, and equals the score of this one. Time
 * O(n^3) in the worst case, O(n^2) if rows do not compete; memory O(n) in addition to the scores.
 *
 * <p>Reference: PlainAssignment. Checked by LinearAssignmentTest; timed by AssignmentBench.
 */
public final class VectorAssignment implements LinearAssignment {
    private static final int NONE = -1;
    private static final int BIDS_PER_ROW = 16;

    /**
     * @param columns the column of each row
     * @param prices the price of each column, which certifies optimality
     */
    public record Solution(int[] columns, double[] prices) {}

    @Override
    public int[] maximize(Matrix scores) {
        return solve(scores).columns;
    }

    public static Solution solve(Matrix scores) {
        if (scores.rows() != scores.columns()) {
            throw new IllegalArgumentException(
                    "Scores " + scores.rows() + " x " + scores.columns() + " are not square");
        }
        if (scores.rows() == 0) {
            return new Solution(new int[0], new double[0]);
        }
        return new Search(scores).solve();
    }

    private static final class Search {
        private final ScoreRows scores;
        private final int size;
        private final double[] prices;
        private final int[] columnOfRow;
        private final int[] rowOfColumn;

        // state of one Dijkstra search, in the order in which rows are reached
        private final int[] rows;
        private final double[] offsets;
        private final int[] closed;
        private final double[] closedAt;
        private final double[] reached;
        /** Prices, but infinite for closed columns, so that a pass over a row needs no branch. */
        private final double[] open;

        Search(Matrix matrix) {
            scores = new ScoreRows(matrix);
            size = matrix.rows();
            prices = new double[size];
            columnOfRow = new int[size];
            rowOfColumn = new int[size];
            rows = new int[size];
            offsets = new double[size];
            closed = new int[size];
            closedAt = new double[size];
            reached = new double[size];
            open = new double[size];
        }

        public Solution solve() {
            Arrays.fill(columnOfRow, NONE);
            Arrays.fill(rowOfColumn, NONE);
            Arrays.fill(prices, Double.NEGATIVE_INFINITY);
            for (int row = 0; row < size; row++) {
                scores.raise(row, prices);
            }
            bid();
            System.arraycopy(prices, 0, open, 0, size);
            for (int row = 0; row < size; row++) {
                if (columnOfRow[row] == NONE) {
                    augment(row);
                }
            }
            return new Solution(columnOfRow, prices);
        }

        private void bid() {
            long bids = (long) BIDS_PER_ROW * size;
            for (int first = 0; first < size; first++) {
                int row = first;
                while (row != NONE && bids-- > 0) {
                    ScoreRows.Bid bid = scores.bid(row, prices);
                    int before = rowOfColumn[bid.column()];
                    boolean raises = bid.margin() > 0 && bid.margin() < Double.POSITIVE_INFINITY;
                    if (before != NONE && !raises) {
                        break;
                    }
                    if (raises) {
                        prices[bid.column()] += bid.margin();
                    }
                    take(row, bid.column());
                    if (before != NONE) {
                        columnOfRow[before] = NONE;
                    }
                    row = before;
                }
            }
        }

        private void take(int row, int column) {
            columnOfRow[row] = column;
            rowOfColumn[column] = row;
        }

        private void augment(int start) {
            Arrays.fill(reached, Double.POSITIVE_INFINITY);
            int row = start;
            double offset = 0;
            int steps = 0;
            while (true) {
                rows[steps] = row;
                offsets[steps] = offset;
                double at = scores.relax(row, offset, open, reached);
                int column = nearest(at);
                if (rowOfColumn[column] == NONE) {
                    reassign(column, at, steps);
                    return;
                }
                closed[steps] = column;
                closedAt[steps] = at;
                steps++;
                reached[column] = Double.POSITIVE_INFINITY;
                open[column] = Double.POSITIVE_INFINITY;
                row = rowOfColumn[column];
                offset = at - (prices[column] - scores.score(row, column));
            }
        }

        private int nearest(double at) {
            int first = ScoreRows.find(reached, at, 0);
            int column = first;
            while (column < size && rowOfColumn[column] != NONE) {
                column = ScoreRows.find(reached, at, column + 1);
            }
            return column < size ? column : first;
        }

        /** Follows the path back from the free column, using the first row that reached each column at its distance. */
        private void reassign(int free, double length, int steps) {
            int column = free;
            double at = length;
            int step;
            do {
                step = 0;
                while (offsets[step] + (prices[column] - scores.score(rows[step], column)) != at) {
                    step++;
                }
                take(rows[step], column);
                if (step > 0) {
                    column = closed[step - 1];
                    at = closedAt[step - 1];
                }
            } while (step > 0);
            for (int k = 0; k < steps; k++) {
                prices[closed[k]] += length - closedAt[k];
                open[closed[k]] = prices[closed[k]];
            }
        }
    }
}

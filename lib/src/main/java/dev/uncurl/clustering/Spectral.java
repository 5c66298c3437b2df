package dev.uncurl.clustering;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.hipparchus.linear.Array2DRowRealMatrix;
import org.hipparchus.linear.EigenDecompositionSymmetric;

/**
 * Spectral clustering after Ng, Jordan and Weiss (2002): k-means on the rows, scaled to length 1, of the eigenvectors
 * of the K smallest eigenvalues of the normalised Laplacian I - D^-1/2 W D^-1/2.
 *
 * <p>W_ij = exp(-d_ij^2 / (2 s^2)) with the median s of the distances of all pairs (the lower one of two; the smallest
 * distance above 0 where the median is 0). W_ii is 1, not 0 as in the paper, so that no degree can be 0. k-means uses
 * only inner products of rows, in which the sign of an eigenvector cancels out.
 */
public final class Spectral {
    private Spectral() {}

    /** See {@link Clusterer#cluster}. */
    public static int[] cluster(CanonicalGram columns, int clusters, long seed) {
        double[][] rows = embedding(columns.squaredDistances(), clusters);
        return KMeans.cluster(columns.inPlaces(products(rows)), clusters, seed);
    }

    /** @return [E, K], rows of length 1 */
    private static double[][] embedding(double[][] squaredDistances, int clusters) {
        int count = squaredDistances.length;
        double[][] matrix = affinity(squaredDistances);
        double[] roots = new double[count];
        for (int i = 0; i < count; i++) {
            roots[i] = Math.sqrt(Arrays.stream(matrix[i]).sum());
        }
        for (int i = 0; i < count; i++) {
            for (int j = 0; j < count; j++) {
                matrix[i][j] /= roots[i] * roots[j];
            }
        }
        // the largest eigenvalues of D^-1/2 W D^-1/2 come first: the smallest of the Laplacian
        var eigen = new EigenDecompositionSymmetric(new Array2DRowRealMatrix(matrix, false));
        double[][] rows = new double[count][clusters];
        for (int c = 0; c < clusters; c++) {
            var vector = eigen.getEigenvector(c);
            for (int i = 0; i < count; i++) {
                rows[i][c] = vector.getEntry(i);
            }
        }
        for (double[] row : rows) {
            double length = Math.sqrt(Arrays.stream(row).map(x -> x * x).sum());
            for (int c = 0; c < clusters && length > 0; c++) {
                row[c] /= length;
            }
        }
        return rows;
    }

    private static double[][] affinity(double[][] squaredDistances) {
        int count = squaredDistances.length;
        double[] sorted = IntStream.range(0, count)
                .boxed()
                .flatMapToDouble(i -> Arrays.stream(squaredDistances[i], 0, i))
                .sorted()
                .toArray();
        double scale = sorted.length == 0 ? 0 : sorted[(sorted.length - 1) / 2];
        if (scale == 0) {
            scale = Arrays.stream(sorted)
                    .filter(distance -> distance > 0)
                    .findFirst()
                    .orElse(1);
        }
        double[][] affinity = new double[count][count];
        for (int i = 0; i < count; i++) {
            for (int j = 0; j < count; j++) {
                // of StrictMath: the same bits on every machine
                affinity[i][j] = StrictMath.exp(-squaredDistances[i][j] / (2 * scale));
            }
        }
        return affinity;
    }

    private static double[] products(double[][] rows) {
        int count = rows.length;
        double[] products = new double[count * count];
        for (int i = 0; i < count; i++) {
            for (int j = 0; j <= i; j++) {
                double product = 0;
                for (int c = 0; c < rows[i].length; c++) {
                    product += rows[i][c] * rows[j][c];
                }
                products[i * count + j] = product;
                products[j * count + i] = product;
            }
        }
        return products;
    }
}

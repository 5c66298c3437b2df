package dev.uncurl.kernel.vector;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.kernel.Matrix;

/** How far single-precision products may be from those in double precision. */
final class ProductErrors {
    private ProductErrors() {}

    /**
     * Compares c = a b + c. Of independent products of variance one, the partial sum of k has variance k, and rounding it to 24
     * bits, u = 2^-24, adds an error of variance k u^2 / 3 at most: a sum of n has an error of n u / sqrt(6) as its standard
     * deviation, in whatever order it is added, and more by |sum| / sqrt(n) if the sum, and so its partial sums, are larger than
     * usual. No result is off by eight times as much, and all together by less than twice as much.
     *
     * @param c before the product; null for zeros
     * @param found after it
     */
    static void check(
            Matrix a, boolean transposeA, Matrix b, boolean transposeB, Matrix c, int columns, double[] found) {
        int rows = found.length / columns;
        int inner = transposeA ? a.rows() : a.columns();
        double[] first = values(a);
        double[] second = values(b);
        double[] before = c == null ? new double[found.length] : values(c);
        double deviation = inner * 0x1p-24 / Math.sqrt(6);
        double squares = 0;
        for (int i = 0; i < found.length; i++) {
            int row = i / columns;
            int column = i % columns;
            double exact = before[i];
            for (int k = 0; k < inner; k++) {
                exact += first[transposeA ? k * rows + row : row * inner + k]
                        * second[transposeB ? column * inner + k : k * columns + column];
            }
            double error = Math.abs(found[i] - exact);
            assertThat(error)
                    .as("element %d: %s and %s", i, found[i], exact)
                    .isLessThan(8 * deviation * Math.max(1, Math.abs(exact) / Math.sqrt(inner)));
            squares += error * error;
        }
        assertThat(Math.sqrt(squares / found.length)).isLessThan(2 * deviation);
    }

    static double[] values(Matrix matrix) {
        double[] values = new double[matrix.rows() * matrix.columns()];
        matrix.read(values);
        return values;
    }
}

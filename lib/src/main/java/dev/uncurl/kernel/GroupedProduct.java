package dev.uncurl.kernel;

import java.util.List;

/**
 * Products of groups of successive rows, each group with a matrix of its own, as the experts of a block have them. Group g is rows
 * start[g] to start[g + 1] of a matrix; start[0] is 0. Each product is that of {@link MatrixProduct#multiply}.
 */
public interface GroupedProduct {
    /** c_g = a_g b_g, or a_g b_g^T. The matrices b have the same shape. */
    void rows(int[] start, Matrix a, List<Matrix> b, boolean transposeB, Matrix c);

    /** c_g = a_g^T b_g; 0 for a group without rows. The matrices c have the same shape. */
    void sums(int[] start, Matrix a, Matrix b, List<Matrix> c);
}

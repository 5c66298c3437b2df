package dev.uncurl.kernel;

/** General matrix product. */
public interface MatrixProduct {
    /**
     * c = a b + beta c, where a and b are transposed first if so marked. With beta = 0 the old c is not read. The inner
     * dimension may be 0, the gradient of an expert without tokens: then beta must be 0 or 1.
     */
    void multiply(Matrix a, boolean transposeA, Matrix b, boolean transposeB, float beta, Matrix c);
}

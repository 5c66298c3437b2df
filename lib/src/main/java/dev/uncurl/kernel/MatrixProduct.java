package dev.uncurl.kernel;

/** General matrix product. */
public interface MatrixProduct {
    /**
     * c = a b + beta c, with a and b transposed first if requested. With beta = 0 the old c is not read. The inner
     * dimension may be 0, as for the gradient of an expert without tokens; beta must then be 0 or 1.
     */
    void multiply(Matrix a, boolean transposeA, Matrix b, boolean transposeB, float beta, Matrix c);
}

package dev.uncurl.kernel;

/** General matrix product. */
public interface MatrixProduct {
    /**
     * c = a b + beta c, with a and b transposed first if requested. With beta = 0 the old c is not read. The inner
     * dimension may be 0, as for the gradient of an expert without tokens; beta must then be 0 or 1.
     */
    void multiply(Matrix a, boolean transposeA, Matrix b, boolean transposeB, float beta, Matrix c);

    /**
     * c = a b, or a b^T. If {@link #rowsAreIndependent}, the bits of a row of c depend on that row of a and on b alone: not on
     * the number of rows, nor on the place of the row among them. Somewhat slower than {@link #multiply} for few rows.
     */
    default void multiplyRows(Matrix a, Matrix b, boolean transposeB, Matrix c) {
        multiply(a, false, b, transposeB, 0, c);
    }

    /**
     * These products with operands as they are, where {@link #multiply} rounds them to fewer bits: for routers, whose choices
     * turn on small differences.
     */
    default MatrixProduct exact() {
        return this;
    }

    /** Products of many groups of rows together; null where it is better to compute one group after another, in all steps. */
    default GroupedProduct grouped() {
        return null;
    }

    /** Whether {@link #multiplyRows} keeps its promise on this machine; otherwise rows may differ in their last bits. */
    default boolean rowsAreIndependent() {
        return false;
    }
}

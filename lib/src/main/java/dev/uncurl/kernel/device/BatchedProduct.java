package dev.uncurl.kernel.device;

/**
 * c = alpha a b + beta c for {@code count} triples of row-major matrices, a and b transposed first if requested: c is rows x
 * columns, and each element a sum of {@code inner} terms. With beta = 0 the old c is not read.
 */
record BatchedProduct(
        boolean transposeA,
        boolean transposeB,
        int rows,
        int columns,
        int inner,
        float alpha,
        Operand a,
        Operand b,
        float beta,
        Operand c,
        int count) {
    /**
     * @param leading elements from one row to the next
     * @param stride elements from one matrix to the next
     */
    record Operand(long address, int leading, long stride) {}
}

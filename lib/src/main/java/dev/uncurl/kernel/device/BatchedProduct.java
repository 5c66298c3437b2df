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
        int count,
        Terms terms) {
    /** What the elements of a and b are; those of c, and sums, are 32-bit floats. */
    enum Terms {
        /** 32-bit floats, taken as they are. */
        EXACT,
        /** 32-bit floats, which the device may round: {@link Device#rounds}. */
        ROUNDED,
        /** bfloat16: the upper half of a 32-bit float. */
        BF16
    }

    /** Of floats that the device may round. */
    BatchedProduct(
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
        this(transposeA, transposeB, rows, columns, inner, alpha, a, b, beta, c, count, Terms.ROUNDED);
    }

    /**
     * @param leading elements from one row to the next
     * @param stride elements from one matrix to the next
     */
    record Operand(long address, int leading, long stride) {}
}

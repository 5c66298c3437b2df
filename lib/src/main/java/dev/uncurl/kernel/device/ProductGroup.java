package dev.uncurl.kernel.device;

import java.util.Arrays;
import java.util.List;

/**
 * The arguments of a call of cuBLAS for products of different sizes. It stores matrices column by column, so it is asked for the
 * transposes: c^T = b^T a^T.
 *
 * @param transposeA of cuBLAS's first operand, which is b
 * @param m columns of c
 * @param n rows of c
 */
record ProductGroup(
        int[] transposeA,
        int[] transposeB,
        int[] m,
        int[] n,
        int[] k,
        float[] alpha,
        int[] leadingA,
        int[] leadingB,
        float[] beta,
        int[] leadingC) {
    static ProductGroup of(List<BatchedProduct> products) {
        int count = products.size();
        var group = new ProductGroup(
                new int[count],
                new int[count],
                new int[count],
                new int[count],
                new int[count],
                new float[count],
                new int[count],
                new int[count],
                new float[count],
                new int[count]);
        for (int i = 0; i < count; i++) {
            group.set(i, products.get(i));
        }
        return group;
    }

    private void set(int i, BatchedProduct p) {
        transposeA[i] = p.transposeB() ? 1 : 0;
        transposeB[i] = p.transposeA() ? 1 : 0;
        m[i] = p.columns();
        n[i] = p.rows();
        k[i] = p.inner();
        alpha[i] = p.alpha();
        leadingA[i] = p.b().leading();
        leadingB[i] = p.a().leading();
        beta[i] = p.beta();
        leadingC[i] = p.c().leading();
    }

    /**
     * @param addresses of all first operands, then of all second ones, then of all results
     * @return cuBLAS's status
     */
    int multiply(long handle, long addresses, int compute) {
        int count = m.length;
        int[] ones = new int[count];
        Arrays.fill(ones, 1);
        long bytes = (long) count * Long.BYTES;
        return CuBlasGrouped.cublasGemmGroupedBatchedEx(
                handle,
                transposeA,
                transposeB,
                m,
                n,
                k,
                alpha,
                addresses,
                CuBlas.FLOAT,
                leadingA,
                addresses + bytes,
                CuBlas.FLOAT,
                leadingB,
                beta,
                addresses + 2 * bytes,
                CuBlas.FLOAT,
                leadingC,
                count,
                ones,
                compute);
    }
}

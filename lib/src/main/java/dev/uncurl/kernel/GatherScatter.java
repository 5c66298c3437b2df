package dev.uncurl.kernel;

/**
 * Moves rows by index: embedding look-up, dispatch of tokens to experts and back. An index of -1 means no row; a
 * {@code scales} of null means 1. Sums run in ascending order of i, so results are reproducible to the bit.
 */
public interface GatherScatter {
    /** target[i] = scales[i] * source[index[i]], or zeros without a row. */
    void gather(Matrix source, int[] index, double[] scales, Matrix target);

    /** target[i] = base[i] + scales[i] * source[index[i]]; base and target may be the same. */
    void gatherAdd(Matrix base, Matrix source, int[] index, double[] scales, Matrix target);

    /** target[index[i]] += source[i]. */
    void scatterAdd(Matrix source, int[] index, Matrix target);

    /** products[i] = a[index[i]] . b[i], or 0 without a row; an index of null is the identity. */
    void dot(Matrix a, int[] index, Matrix b, double[] products);
}

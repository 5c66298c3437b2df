package dev.uncurl.kernel;

/** Row vectors [1, C] added to every row of a matrix [N, C]. */
public interface Bias {
    /** x += bias. */
    void add(Matrix x, Matrix bias);

    /** target = residual + x + bias; target may be residual. */
    void addResidual(Matrix residual, Matrix x, Matrix bias, Matrix target);

    /** gradient of a bias: sums = column sums of x. */
    void columnSums(Matrix x, Matrix sums);
}

package dev.uncurl.kernel;

/** Layer normalization (Ba et al. 2016) over the columns, y = (x - mean) / sqrt(variance + epsilon) * gain + bias. */
public interface Normalization {
    /** GPT-2's epsilon. */
    double EPSILON = 1e-5;

    /** @param statistics [N, 2]: mean and reciprocal standard deviation of each row, for the backward pass */
    void forward(Matrix x, Matrix gain, Matrix bias, Matrix statistics, Matrix y);

    /**
     * Adds the gradient of the input to {@code dx} and overwrites {@code dGain} and {@code dBias} [1, C].
     */
    void backward(Matrix x, Matrix gain, Matrix statistics, Matrix dy, Matrix dx, Matrix dGain, Matrix dBias);
}

package dev.uncurl.kernel;

/** GELU in its tanh form (Hendrycks and Gimpel 2016), 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). */
public interface Activation {
    /** x += bias [1, F], then y = gelu(x). */
    void forward(Matrix x, Matrix bias, Matrix y);

    /** In place dy becomes dy * gelu'(x); dBias [1, F] is overwritten with its column sums. */
    void backward(Matrix x, Matrix dy, Matrix dBias);
}

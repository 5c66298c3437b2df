package dev.uncurl.model;

import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;

/** Layer normalization with gain and bias [D]. */
final class LayerNorm {
    private final Kernels kernels;
    private final Parameter gain;
    private final Parameter bias;

    /** @param prefix for example {@code h.0.ln_1.} */
    LayerNorm(Kernels kernels, Parameter.Source source, String prefix) {
        this.kernels = kernels;
        gain = source.get(prefix + "weight");
        bias = source.get(prefix + "bias");
    }

    void forward(Matrix x, Matrix statistics, Matrix y) {
        kernels.normalization().forward(x, gain.value(), bias.value(), statistics, y);
    }

    /** Adds to {@code dx}. */
    void backward(Matrix x, Matrix statistics, Matrix dy, Matrix dx) {
        kernels.normalization().backward(x, gain.value(), statistics, dy, dx, gain.gradient(), bias.gradient());
    }

    void zeroGradients() {
        gain.gradient().zero();
        bias.gradient().zero();
    }
}

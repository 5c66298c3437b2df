package dev.uncurl.model;

import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.model.spec.ParameterLayout;

/** gelu(x W1 + b1) W2 + b2, W1 [D, F], W2 [F, D]: the feed-forward network of a dense block, and every expert. */
final class DenseFeedForward {
    private final Kernels kernels;
    private final Parameter inWeight;
    private final Parameter inBias;
    private final Parameter outWeight;
    private final Parameter outBias;

    /** @param prefix for example {@code h.0.mlp.} */
    DenseFeedForward(Kernels kernels, Parameter.Source source, String prefix) {
        this.kernels = kernels;
        inWeight = source.get(prefix + ParameterLayout.FEED_FORWARD.get(0));
        inBias = source.get(prefix + ParameterLayout.FEED_FORWARD.get(1));
        outWeight = source.get(prefix + ParameterLayout.FEED_FORWARD.get(2));
        outBias = source.get(prefix + ParameterLayout.FEED_FORWARD.get(3));
    }

    /** b2 [1, D], which the caller adds. */
    Matrix outputBias() {
        return outBias.value();
    }

    /** W1 [D, F] */
    Parameter inWeight() {
        return inWeight;
    }

    /** W2 [F, D] */
    Parameter outWeight() {
        return outWeight;
    }

    /** The part of {@link #forward} between the products. */
    void activate(Matrix hidden, Matrix activated) {
        kernels.activation().forward(hidden, inBias.value(), activated);
    }

    /** The gradient of b2: the sum of the rows of dy, of which there may be none. */
    void backwardOutputBias(Matrix dy) {
        if (dy.rows() == 0) {
            outBias.gradient().zero();
        } else {
            kernels.bias().columnSums(dy, outBias.gradient());
        }
    }

    /** Of no rows too: overwrites {@code dHidden} with the gradient before the activation, and writes that of b1. */
    void backwardActivation(Matrix hidden, Matrix dHidden) {
        if (hidden.rows() == 0) {
            inBias.gradient().zero();
        } else {
            kernels.activation().backward(hidden, dHidden, inBias.gradient());
        }
    }

    /** Writes the output without b2 to {@code y} [R, D], for the R rows of x. */
    void forward(Matrix x, Matrix hidden, Matrix activated, Matrix y) {
        kernels.matrixProduct().multiply(x, false, inWeight.value(), false, 0, hidden);
        kernels.activation().forward(hidden, inBias.value(), activated);
        kernels.matrixProduct().multiply(activated, false, outWeight.value(), false, 0, y);
    }

    /**
     * The sum of the complete output, including b2, over the R rows of x. The second product is computed after the sum, on
     * one row instead of R.
     *
     * @param activatedSum [1, F] and {@code ySum} [1, D] are overwritten
     */
    double[] forwardSum(Matrix x, Matrix hidden, Matrix activated, Matrix activatedSum, Matrix ySum) {
        kernels.matrixProduct().multiply(x, false, inWeight.value(), false, 0, hidden);
        kernels.activation().forward(hidden, inBias.value(), activated);
        kernels.bias().columnSums(activated, activatedSum);
        kernels.matrixProduct().multiply(activatedSum, false, outWeight.value(), false, 0, ySum);
        double[] sum = new double[ySum.columns()];
        double[] bias = new double[ySum.columns()];
        ySum.read(sum);
        outBias.value().read(bias);
        for (int i = 0; i < sum.length; i++) {
            sum[i] += x.rows() * bias[i];
        }
        return sum;
    }

    /** Overwrites {@code dHidden}, {@code dx} and the gradients of the parameters. */
    void backward(Matrix x, Matrix hidden, Matrix activated, Matrix dy, Matrix dHidden, Matrix dx) {
        if (x.rows() == 0) {
            inWeight.gradient().zero();
            inBias.gradient().zero();
            outWeight.gradient().zero();
            outBias.gradient().zero();
            return;
        }
        kernels.bias().columnSums(dy, outBias.gradient());
        kernels.matrixProduct().multiply(activated, true, dy, false, 0, outWeight.gradient());
        kernels.matrixProduct().multiply(dy, false, outWeight.value(), true, 0, dHidden);
        kernels.activation().backward(hidden, dHidden, inBias.gradient());
        kernels.matrixProduct().multiply(x, true, dHidden, false, 0, inWeight.gradient());
        kernels.matrixProduct().multiply(dHidden, false, inWeight.value(), true, 0, dx);
    }
}

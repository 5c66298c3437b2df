package dev.uncurl.kernel;

/** One step of AdamW (Loshchilov and Hutter 2019) over a slice of the flat parameters. */
public interface AdamW {
    /** Sum of the squares of all elements, added in a fixed order. */
    double sumOfSquares(Matrix x);

    /**
     * With g = gradientScale * gradient: m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2, and the gradient
     * is overwritten with the update
     * {@code stepSize * m / (sqrt(v * secondCorrection) + epsilon) + decay * parameters}, which the caller subtracts.
     */
    void update(Coefficients coefficients, Matrix parameters, Matrix gradient, Matrix first, Matrix second);

    /** As {@link #update}, and subtracts the update from the parameters; the gradient is undefined afterwards. */
    default void step(Coefficients coefficients, Matrix parameters, Matrix gradient, Matrix first, Matrix second) {
        update(coefficients, parameters, gradient, first, second);
        parameters.array().subi(gradient.array());
    }

    /**
     * @param stepSize learning rate / (1 - beta1^t)
     * @param secondCorrection 1 / (1 - beta2^t)
     * @param decay learning rate * weight decay, 0 for tensors that do not decay
     */
    record Coefficients(
            double beta1,
            double beta2,
            double epsilon,
            double stepSize,
            double secondCorrection,
            double decay,
            double gradientScale) {}
}

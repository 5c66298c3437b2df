package dev.uncurl.kernel.nd4j;

import dev.uncurl.kernel.AdamW;
import dev.uncurl.kernel.Matrix;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

final class Nd4jAdamW implements AdamW {
    @Override
    public double sumOfSquares(Matrix x) {
        return x.array().mul(x.array()).sumNumber().doubleValue();
    }

    @Override
    public void update(Coefficients coefficients, Matrix parameters, Matrix gradient, Matrix first, Matrix second) {
        INDArray g = gradient.array().mul(coefficients.gradientScale());
        first.array().muli(coefficients.beta1()).addi(g.mul(1 - coefficients.beta1()));
        second.array().muli(coefficients.beta2()).addi(g.mul(g).mul(1 - coefficients.beta2()));
        INDArray denominator = Transforms.sqrt(second.array().mul(coefficients.secondCorrection()))
                .add(coefficients.epsilon());
        INDArray update = first.array().mul(coefficients.stepSize()).div(denominator);
        gradient.array().assign(update.add(parameters.array().mul(coefficients.decay())));
    }
}

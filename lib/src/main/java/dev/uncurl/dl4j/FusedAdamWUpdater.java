package dev.uncurl.dl4j;

import dev.uncurl.dl4j.FusedAdamW.Range;
import dev.uncurl.kernel.AdamW;
import dev.uncurl.kernel.KernelChoice;
import dev.uncurl.kernel.Matrix;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.GradientUpdater;

/** The state of {@link FusedAdamW} (first moments, then second moments) and its step on the flat gradient. */
final class FusedAdamWUpdater implements GradientUpdater<FusedAdamW> {
    /** Elements per kernel call: a host view of an array has at most 2 GiB. */
    private static final long WINDOW = 1L << 26;

    private static final String FIRST = "M";
    private static final String SECOND = "V";

    private final FusedAdamW config;
    private AdamW kernel;
    private INDArray first;
    private long firstAt;
    private INDArray second;
    private long secondAt;

    FusedAdamWUpdater(FusedAdamW config) {
        this.config = config;
    }

    @Override
    public FusedAdamW getConfig() {
        return config;
    }

    @Override
    public void setState(Map<String, INDArray> state, boolean initialize) {
        first = state.get(FIRST);
        second = state.get(SECOND);
        firstAt = 0;
        secondAt = 0;
        if (initialize) {
            first.assign(0);
            second.assign(0);
        }
    }

    @Override
    public Map<String, INDArray> getState() {
        int length = Math.toIntExact(first == second ? secondAt : first.length());
        return Map.of(
                FIRST, Matrix.of(first, firstAt, 1, length).array(),
                SECOND, Matrix.of(second, secondAt, 1, length).array());
    }

    @Override
    public void setStateViewArray(INDArray state, long[] shape, char order, boolean initialize) {
        if (initialize) {
            state.assign(0);
        }
        first = state;
        firstAt = 0;
        second = state;
        secondAt = state.length() / 2;
    }

    /** Overwrites the gradient with the update, which DL4J then subtracts from the parameters. */
    @Override
    public void applyUpdater(INDArray gradient, int iteration, int epoch) {
        var binding = config.binding();
        if (binding == null) {
            throw new IllegalStateException("FusedAdamW works only in a network of one SmoeLayer");
        }
        INDArray parameters = binding.parameters().get();
        if (gradient.length() != parameters.length()) {
            throw new IllegalStateException("A gradient of " + gradient.length() + " elements for "
                    + parameters.length() + " parameters: FusedAdamW must be the only updater of its network");
        }
        if (kernel == null) {
            kernel = KernelChoice.best(gradient.dataType()).adamW();
        }
        double norm = norm(gradient);
        binding.gradientNorm()[0] = norm;
        boolean clip = config.maximumGradientNorm() > 0 && norm > config.maximumGradientNorm();
        double scale = clip ? config.maximumGradientNorm() / norm : 1;
        double rate = config.getLearningRate(iteration, epoch);
        long at = 0;
        for (Range range : binding.decaying()) {
            update(parameters, gradient, at, range.from(), coefficients(rate, iteration, 0, scale));
            update(
                    parameters,
                    gradient,
                    range.from(),
                    range.to(),
                    coefficients(rate, iteration, config.weightDecay(), scale));
            at = range.to();
        }
        update(parameters, gradient, at, gradient.length(), coefficients(rate, iteration, 0, scale));
    }

    /** DL4J counts iterations from 0; the bias corrections of the moments need steps from 1. */
    private AdamW.Coefficients coefficients(double rate, int iteration, double decay, double scale) {
        int step = iteration + 1;
        return new AdamW.Coefficients(
                config.beta1(),
                config.beta2(),
                config.epsilon(),
                rate / (1 - StrictMath.pow(config.beta1(), step)),
                1 / (1 - StrictMath.pow(config.beta2(), step)),
                rate * decay,
                scale);
    }

    private double norm(INDArray gradient) {
        double squares = 0;
        for (long from = 0; from < gradient.length(); from += WINDOW) {
            int length = (int) Math.min(WINDOW, gradient.length() - from);
            squares += kernel.sumOfSquares(Matrix.of(gradient, from, 1, length));
        }
        return Math.sqrt(squares);
    }

    private void update(INDArray parameters, INDArray gradient, long from, long to, AdamW.Coefficients coefficients) {
        for (long at = from; at < to; at += WINDOW) {
            int length = (int) Math.min(WINDOW, to - at);
            kernel.update(
                    coefficients,
                    Matrix.of(parameters, at, 1, length),
                    Matrix.of(gradient, at, 1, length),
                    Matrix.of(first, firstAt + at, 1, length),
                    Matrix.of(second, secondAt + at, 1, length));
        }
    }
}

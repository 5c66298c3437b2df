package dev.uncurl.dl4j;

import dev.uncurl.kernel.AdamW;
import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.model.spec.ElementRange;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.GradientUpdater;

/**
 * The state of {@link FusedAdamW} (first moments, then second moments, of the slices of its binding) and its step on the flat
 * gradient.
 */
final class FusedAdamWUpdater implements GradientUpdater<FusedAdamW> {
    /** Elements per kernel call: a host view of an array has at most 2 GiB. */
    private static final long WINDOW = 1L << 26;

    private static final String FIRST = "M";
    private static final String SECOND = "V";

    private final FusedAdamW config;
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

    /**
     * What an update changes: flat, where the kernel computes.
     *
     * @param second may be the same as {@code first}
     * @param subtracts whether the update is subtracted from the parameters too
     */
    private record Target(
            AdamW kernel,
            FlatMemory parameters,
            FlatMemory gradients,
            FlatMemory first,
            long firstAt,
            FlatMemory second,
            long secondAt,
            boolean subtracts) {}

    /** On a device, which has both kinds of moments in one array as Deeplearning4j has them, the update is subtracted as well. */
    private Target target(AdamW kernel, RankArrays arrays, INDArray gradient) {
        if (arrays.isHost()) {
            return new Target(
                    kernel,
                    arrays.parameters(),
                    FlatMemory.of(gradient),
                    FlatMemory.of(first),
                    firstAt,
                    FlatMemory.of(second),
                    secondAt,
                    false);
        }
        if (first != second) {
            throw new IllegalStateException("On a device the moments must be in one array");
        }
        FlatMemory moments = arrays.moments(first);
        return new Target(kernel, arrays.parameters(), arrays.gradients(), moments, firstAt, moments, secondAt, true);
    }

    /**
     * Overwrites the slices of the gradient with their update, which is then subtracted from the parameters; on a device it is
     * subtracted here.
     */
    @Override
    public void applyUpdater(INDArray gradient, int iteration, int epoch) {
        var binding = config.binding();
        if (binding == null) {
            throw new IllegalStateException("FusedAdamW works only in a network of one SmoeLayer");
        }
        RankArrays arrays = binding.arrays().get();
        if (gradient.length() != arrays.parameters().length()) {
            throw new IllegalStateException("A gradient of " + gradient.length() + " elements for "
                    + arrays.parameters().length()
                    + " parameters: FusedAdamW must be the only updater of its network");
        }
        Target target = target(binding.kernel().get(), arrays, gradient);
        double norm = Math.sqrt(binding.sumOverRanks().applyAsDouble(squares(target, binding.slices())));
        binding.gradientNorm()[0] = norm;
        boolean clip = config.maximumGradientNorm() > 0 && norm > config.maximumGradientNorm();
        double scale = clip ? config.maximumGradientNorm() / norm : 1;
        double rate = config.getLearningRate(iteration, epoch);
        AdamW.Coefficients plain = coefficients(rate, iteration, 0, scale);
        AdamW.Coefficients decaying = coefficients(rate, iteration, config.weightDecay(), scale);
        long before = 0;
        for (FusedAdamW.Slice slice : binding.slices()) {
            long at = slice.range().from();
            long state = before - at;
            for (ElementRange range : slice.decaying()) {
                update(target, new ElementRange(at, range.from()), state, plain);
                update(target, range, state, decaying);
                at = range.to();
            }
            update(target, new ElementRange(at, slice.range().to()), state, plain);
            before += slice.range().length();
        }
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

    private static double squares(Target target, List<FusedAdamW.Slice> slices) {
        double squares = 0;
        for (FusedAdamW.Slice slice : slices) {
            ElementRange range = slice.range();
            for (long at = range.from(); at < range.to(); at += WINDOW) {
                int length = (int) Math.min(WINDOW, range.to() - at);
                squares += target.kernel.sumOfSquares(target.gradients.matrix(at, 1, length));
            }
        }
        return squares;
    }

    /** @param state index of a parameter's moments, relative to the index of the parameter */
    private static void update(Target target, ElementRange range, long state, AdamW.Coefficients coefficients) {
        for (long at = range.from(); at < range.to(); at += WINDOW) {
            int length = (int) Math.min(WINDOW, range.to() - at);
            Matrix parameters = target.parameters.matrix(at, 1, length);
            Matrix gradients = target.gradients.matrix(at, 1, length);
            Matrix first = target.first.matrix(target.firstAt + state + at, 1, length);
            Matrix second = target.second.matrix(target.secondAt + state + at, 1, length);
            if (target.subtracts) {
                target.kernel.step(coefficients, parameters, gradients, first, second);
            } else {
                target.kernel.update(coefficients, parameters, gradients, first, second);
            }
        }
    }
}

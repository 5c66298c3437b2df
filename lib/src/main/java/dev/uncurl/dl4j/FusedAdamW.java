package dev.uncurl.dl4j;

import dev.uncurl.kernel.AdamW;
import dev.uncurl.model.spec.ElementRange;
import dev.uncurl.model.spec.ParameterLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.DoubleUnaryOperator;
import java.util.function.Supplier;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.GradientUpdater;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.shade.jackson.annotation.JsonAutoDetect;

/**
 * AdamW (Loshchilov and Hutter 2019) as a DL4J updater: linear warm-up and cosine decay of the learning rate, decoupled
 * weight decay on matrices only, clipping of the gradient by its global L2 norm. Unlike ND4J's Adam it divides by
 * sqrt(corrected second moment) + epsilon, as in the paper.
 *
 * <p>This class is the configuration; its fields are its JSON. DL4J does not pass parameters to updaters, so the layer of a
 * network binds a copy of the configuration to its parameters. The binding is not part of the JSON or of equality.
 */
@JsonAutoDetect(fieldVisibility = JsonAutoDetect.Visibility.ANY)
public final class FusedAdamW implements IUpdater {
    private static final long serialVersionUID = 1L;

    private double learningRate = 3e-4;
    private double minimumLearningRate = 0;
    private int warmupIterations = 0;
    private int totalIterations = 0;
    private double beta1 = 0.9;
    private double beta2 = 0.95;
    private double epsilon = 1e-8;
    private double weightDecay = 0;
    private double maximumGradientNorm = 0;
    private transient Binding binding;

    /**
     * The connection of a configuration to a network.
     *
     * @param source the configuration of the network, whose learning rate can change
     * @param arrays parameters, gradients and moments of the network, where the kernel computes
     * @param slices the parameters that are updated; the state has the moments of these alone, in their order
     * @param kernel computes the update
     * @param sumOverRanks the sum of a number over the ranks, whose slices together are all parameters, each once
     * @param gradientNorm [1] L2 norm of the last gradient over all ranks, before clipping
     */
    record Binding(
            FusedAdamW source,
            Supplier<RankArrays> arrays,
            List<Slice> slices,
            Supplier<AdamW> kernel,
            DoubleUnaryOperator sumOverRanks,
            double[] gradientNorm) {
        /** Number of parameters that are updated. */
        long length() {
            return slices.stream().mapToLong(slice -> slice.range().length()).sum();
        }
    }

    /** Successive parameters that are updated. @param decaying those with weight decay, ascending */
    record Slice(ElementRange range, List<ElementRange> decaying) {}

    /** For JSON. */
    public FusedAdamW() {}

    /** Constant learning rate, betas 0.9 and 0.95, epsilon 1e-8, no decay, no clipping. */
    public FusedAdamW(double learningRate) {
        check(learningRate >= 0, "learning rate", learningRate);
        this.learningRate = learningRate;
    }

    private static void check(boolean valid, String name, double value) {
        if (!valid) {
            throw new IllegalArgumentException("AdamW does not support " + name + " = " + value);
        }
    }

    /**
     * Linear warm-up to the learning rate, then cosine decay to {@code minimum} at iteration {@code total}; constant after that.
     *
     * @param total 0 for a constant rate after the warm-up
     */
    public FusedAdamW withSchedule(int warmup, int total, double minimum) {
        check(warmup >= 0, "warm-up iterations", warmup);
        check(total == 0 || total >= warmup, "total iterations", total);
        check(minimum >= 0 && minimum <= learningRate, "minimum learning rate", minimum);
        var copy = clone();
        copy.warmupIterations = warmup;
        copy.totalIterations = total;
        copy.minimumLearningRate = minimum;
        return copy;
    }

    public FusedAdamW withBetas(double first, double second) {
        check(first >= 0 && first < 1, "beta1", first);
        check(second >= 0 && second < 1, "beta2", second);
        var copy = clone();
        copy.beta1 = first;
        copy.beta2 = second;
        return copy;
    }

    public FusedAdamW withEpsilon(double value) {
        check(value > 0, "epsilon", value);
        var copy = clone();
        copy.epsilon = value;
        return copy;
    }

    /** Each step subtracts learning rate * {@code value} * parameter. */
    public FusedAdamW withWeightDecay(double value) {
        check(value >= 0, "weight decay", value);
        var copy = clone();
        copy.weightDecay = value;
        return copy;
    }

    /** @param value 0: no clipping */
    public FusedAdamW withMaximumGradientNorm(double value) {
        check(value >= 0, "maximum gradient norm", value);
        var copy = clone();
        copy.maximumGradientNorm = value;
        return copy;
    }

    /** A copy that is bound to a network; see {@link Binding}. */
    FusedAdamW bind(
            Supplier<RankArrays> arrays,
            ParameterLayout layout,
            List<ElementRange> slices,
            Supplier<AdamW> kernel,
            DoubleUnaryOperator sumOverRanks) {
        List<ElementRange> decaying = decaying(layout);
        var copy = clone();
        copy.binding = new Binding(
                this,
                arrays,
                slices.stream()
                        .map(slice -> new Slice(
                                slice,
                                decaying.stream()
                                        .map(slice::and)
                                        .filter(range -> range.length() > 0)
                                        .toList()))
                        .toList(),
                kernel,
                sumOverRanks,
                new double[1]);
        return copy;
    }

    private static List<ElementRange> decaying(ParameterLayout layout) {
        var ranges = new ArrayList<ElementRange>();
        for (var tensor : layout.tensors()) {
            long end = tensor.offset() + tensor.length();
            int last = ranges.size() - 1;
            if (tensor.decays() && last >= 0 && ranges.get(last).to() == tensor.offset()) {
                ranges.set(last, new ElementRange(ranges.get(last).from(), end));
            } else if (tensor.decays()) {
                ranges.add(new ElementRange(tensor.offset(), end));
            }
        }
        return ranges;
    }

    Binding binding() {
        return binding;
    }

    double beta1() {
        return beta1;
    }

    double beta2() {
        return beta2;
    }

    double epsilon() {
        return epsilon;
    }

    double weightDecay() {
        return weightDecay;
    }

    double maximumGradientNorm() {
        return maximumGradientNorm;
    }

    /** Learning rate of a step. @param iteration number of the step, counted from 0 */
    @Override
    public double getLearningRate(int iteration, int epoch) {
        if (binding != null) {
            return binding.source().getLearningRate(iteration, epoch);
        }
        if (iteration < warmupIterations) {
            return learningRate * (iteration + 1) / warmupIterations;
        }
        if (totalIterations == 0) {
            return learningRate;
        }
        double span = Math.max(1, totalIterations - warmupIterations);
        double progress = Math.min(1, (iteration - warmupIterations) / span);
        return minimumLearningRate
                + 0.5 * (learningRate - minimumLearningRate) * (1 + StrictMath.cos(Math.PI * progress));
    }

    @Override
    public boolean hasLearningRate() {
        return true;
    }

    @Override
    public void setLrAndSchedule(double rate, ISchedule schedule) {
        if (schedule != null) {
            throw new UnsupportedOperationException("FusedAdamW does not support DL4J schedules: use withSchedule");
        }
        learningRate = rate;
    }

    @Override
    public long stateSize(long parameters) {
        return 2 * (binding == null ? parameters : binding.length());
    }

    @Override
    public GradientUpdater<FusedAdamW> instantiate(INDArray state, boolean initialize) {
        var updater = new FusedAdamWUpdater(this);
        updater.setStateViewArray(state, null, 'c', initialize);
        return updater;
    }

    @Override
    public GradientUpdater<FusedAdamW> instantiate(Map<String, INDArray> state, boolean initialize) {
        var updater = new FusedAdamWUpdater(this);
        updater.setState(state, initialize);
        return updater;
    }

    @Override
    public FusedAdamW clone() {
        try {
            return (FusedAdamW) super.clone();
        } catch (CloneNotSupportedException e) {
            throw new AssertionError(e);
        }
    }

    private List<Object> values() {
        return List.of(
                learningRate,
                minimumLearningRate,
                warmupIterations,
                totalIterations,
                beta1,
                beta2,
                epsilon,
                weightDecay,
                maximumGradientNorm);
    }

    /** Compares only the settings: DL4J creates one common state for parameters with equal updaters. */
    @Override
    public boolean equals(Object other) {
        return other instanceof FusedAdamW that && values().equals(that.values());
    }

    @Override
    public int hashCode() {
        return Objects.hash(values());
    }
}

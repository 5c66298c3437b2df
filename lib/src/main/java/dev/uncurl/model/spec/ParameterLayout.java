package dev.uncurl.model.spec;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The layout of the tensors of a {@link Gpt2Architecture} in a flat array: embeddings, blocks, final norm. The tensors of an expert
 * are contiguous. Of a model whose experts are divided ({@link ExpertShare}) the array has the tensors that every rank has, in this
 * order, and then those of the own experts.
 */
public final class ParameterLayout {
    /**
     * One tensor.
     *
     * @param name unique in the model
     * @param shape row-major
     * @param offset of its first element in the flat array, in elements
     */
    public record Tensor(String name, List<Integer> shape, long offset) {
        public long length() {
            return shape.stream().mapToLong(Integer::longValue).reduce(1, Math::multiplyExact);
        }

        /** Whether weight decay applies: to matrices, not to vectors (biases, norms). */
        public boolean decays() {
            return shape.size() > 1;
        }
    }

    /** Prefix of all tensors of block {@code layer}: {@code h.<layer>.}. */
    public static String block(int layer) {
        return "h." + layer + ".";
    }

    /** Name of the router's matrix [R, D]: one row per expert, unless the router is mapped. */
    public static String router(int layer) {
        return block(layer) + "moe.router.weight";
    }

    /** Prefix of the four tensors of one expert (see {@link #FEED_FORWARD}). */
    public static String expert(int layer, int expert) {
        return block(layer) + "moe.experts." + expert + ".";
    }

    /**
     * Names of the tensors of a feed-forward network after its prefix: W1 [D, F], b1 [F], W2 [F, D], b2 [D].
     */
    public static final List<String> FEED_FORWARD = List.of("c_fc.weight", "c_fc.bias", "c_proj.weight", "c_proj.bias");

    private final Map<String, Tensor> tensors = new LinkedHashMap<>();
    private long length;
    private long common;

    private ParameterLayout() {}

    /** The layout of a model, in the order of {@link Gpt2Architecture#tensors}. */
    public static ParameterLayout of(ModelConfig config) {
        return of(config, ExpertShare.ALL);
    }

    /** The layout of what one rank holds. */
    public static ParameterLayout of(ModelConfig config, ExpertShare share) {
        var layout = new ParameterLayout();
        var experts = new ArrayList<TensorSpec>();
        for (TensorSpec spec : Gpt2Architecture.of(config, DType.F32).tensors()) {
            if (share.isAll() || !ExpertShare.isOfExpert(spec)) {
                layout.add(spec);
            } else if (share.has(spec, config.moe().layer(spec.layer()).experts())) {
                experts.add(spec);
            }
        }
        layout.common = layout.length;
        experts.forEach(layout::add);
        return layout;
    }

    private void add(TensorSpec spec) {
        var tensor = new Tensor(spec.name(), spec.shape(), length);
        tensors.put(tensor.name(), tensor);
        length = Math.addExact(length, tensor.length());
    }

    /** All tensors in the order of their offsets. */
    public List<Tensor> tensors() {
        return new ArrayList<>(tensors.values());
    }

    /** @throws IllegalArgumentException if the model has no tensor of this name */
    public Tensor tensor(String name) {
        Tensor tensor = tensors.get(name);
        if (tensor == null) {
            throw new IllegalArgumentException("The model has no tensor " + name);
        }
        return tensor;
    }

    /** Number of parameters: the length of the flat array. */
    public long length() {
        return length;
    }

    /** Number of parameters that every rank has, which come first: all of them if the experts are not divided. */
    public long common() {
        return common;
    }

    /**
     * Where another layout of the same model has a range of this one.
     *
     * @return ranges of {@code other}, whose elements are those of {@code range} in their order
     */
    public List<ElementRange> in(ParameterLayout other, ElementRange range) {
        var ranges = new ArrayList<ElementRange>();
        for (Tensor tensor : tensors.values()) {
            ElementRange part = range.and(new ElementRange(tensor.offset(), tensor.offset() + tensor.length()));
            if (part.length() > 0) {
                long shift = other.tensor(tensor.name()).offset() - tensor.offset();
                var there = new ElementRange(part.from() + shift, part.to() + shift);
                int last = ranges.size() - 1;
                if (last >= 0 && ranges.get(last).to() == there.from()) {
                    ranges.set(last, new ElementRange(ranges.get(last).from(), there.to()));
                } else {
                    ranges.add(there);
                }
            }
        }
        return ranges;
    }

    /**
     * Number of parameters that one token uses: all except those of experts that it does not choose. If choices can map to the
     * same expert, the maximum.
     */
    public static long activeParameters(ModelConfig config) {
        long active = of(config).length();
        long perExpert = 2L * config.width() * config.feedForward() + config.feedForward() + config.width();
        for (int layer : config.moeLayers()) {
            int experts = config.moe().layer(layer).experts();
            active -= Math.max(0, experts - config.moe().choices(layer)) * perExpert;
        }
        return active;
    }
}

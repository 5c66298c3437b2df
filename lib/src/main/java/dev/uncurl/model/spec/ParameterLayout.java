package dev.uncurl.model.spec;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The layout of the tensors of a {@link Gpt2Architecture} in a flat array of all parameters: embeddings, blocks, final norm. The
 * tensors of an expert are contiguous.
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

    private ParameterLayout() {}

    /** The layout of a model, in the order of {@link Gpt2Architecture#tensors}. */
    public static ParameterLayout of(ModelConfig config) {
        var layout = new ParameterLayout();
        for (TensorSpec spec : Gpt2Architecture.of(config, DType.F32).tensors()) {
            var tensor = new Tensor(spec.name(), spec.shape(), layout.length);
            layout.tensors.put(tensor.name(), tensor);
            layout.length = Math.addExact(layout.length, tensor.length());
        }
        return layout;
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

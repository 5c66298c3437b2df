package dev.uncurl.model.spec;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The parameter tensors of a {@link Gpt2Architecture} one after another: embeddings, blocks, final norm; the tensors of
 * an expert are contiguous. Offsets are those in a flat array of all parameters.
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

        /** Matrices decay, vectors (biases, norms) do not. */
        public boolean decays() {
            return shape.size() > 1;
        }
    }

    /** Prefix of everything in block {@code layer}: {@code h.<layer>.}. */
    public static String block(int layer) {
        return "h." + layer + ".";
    }

    /** Name of the router's matrix [R, D]: one row per expert, unless the block's router is mapped or masked. */
    public static String router(int layer) {
        return block(layer) + "moe.router.weight";
    }

    /** Prefix of the four tensors of one expert (see {@link #FEED_FORWARD}). */
    public static String expert(int layer, int expert) {
        return block(layer) + "moe.experts." + expert + ".";
    }

    /**
     * A feed-forward network's tensors after its prefix: W1 [D, F], b1 [F], W2 [F, D], b2 [D].
     */
    public static final List<String> FEED_FORWARD = List.of("c_fc.weight", "c_fc.bias", "c_proj.weight", "c_proj.bias");

    private final Map<String, Tensor> tensors = new LinkedHashMap<>();
    private long length;

    private ParameterLayout() {}

    /** The layout of the tensors of {@link Gpt2Architecture}, in its order. */
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

    /** @throws IllegalArgumentException when the model has no tensor of that name */
    public Tensor tensor(String name) {
        Tensor tensor = tensors.get(name);
        if (tensor == null) {
            throw new IllegalArgumentException("The model has no tensor " + name);
        }
        return tensor;
    }

    /** Number of parameters, that is the length of the flat array. */
    public long length() {
        return length;
    }

    /**
     * Parameters that one token uses: all but the experts that it is not sent to. Where choices can map to the same
     * expert, the most that it may use.
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

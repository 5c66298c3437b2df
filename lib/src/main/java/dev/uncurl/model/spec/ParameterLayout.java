package dev.uncurl.model.spec;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Name, shape and place of every parameter tensor in the one flat array that holds a model. Names and orientation are
 * those of GPT-2's published checkpoints (linear maps are stored input x output), with the experts of block 1 under
 * {@code h.1.moe.experts.<e>}. The order is: embeddings, blocks, final norm; an expert's tensors are contiguous.
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

    public static ParameterLayout of(ModelConfig config) {
        var layout = new ParameterLayout();
        int width = config.width();
        layout.add("wte.weight", config.vocabulary(), width);
        layout.add("wpe.weight", config.sequenceLength(), width);
        for (int layer = 0; layer < config.layers(); layer++) {
            layout.addBlock(config, layer);
        }
        layout.add("ln_f.weight", width);
        layout.add("ln_f.bias", width);
        return layout;
    }

    private void addBlock(ModelConfig config, int layer) {
        int width = config.width();
        String block = block(layer);
        add(block + "ln_1.weight", width);
        add(block + "ln_1.bias", width);
        add(block + "attn.c_attn.weight", width, 3 * width);
        add(block + "attn.c_attn.bias", 3 * width);
        add(block + "attn.c_proj.weight", width, width);
        add(block + "attn.c_proj.bias", width);
        add(block + "ln_2.weight", width);
        add(block + "ln_2.bias", width);
        if (!config.isMoe(layer)) {
            addFeedForward(config, block + "mlp.");
            return;
        }
        MoeLayer moe = config.moe().layer(layer);
        add(router(layer), moe.routerRows(), width);
        for (int expert = 0; expert < moe.experts(); expert++) {
            addFeedForward(config, expert(layer, expert));
        }
    }

    private void addFeedForward(ModelConfig config, String prefix) {
        add(prefix + "c_fc.weight", config.width(), config.feedForward());
        add(prefix + "c_fc.bias", config.feedForward());
        add(prefix + "c_proj.weight", config.feedForward(), config.width());
        add(prefix + "c_proj.bias", config.width());
    }

    private void add(String name, Integer... shape) {
        var tensor = new Tensor(name, List.of(shape), length);
        tensors.put(name, tensor);
        length = Math.addExact(length, tensor.length());
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

package dev.uncurl.model.spec;

import dev.uncurl.error.UserError;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A GPT-2 decoder with experts. All tensors follow from the configuration. Names and orientation are those of the published
 * GPT-2 checkpoints (linear maps are stored input x output). The experts of block 1 are {@code h.1.moe.experts.<e>}.
 */
public final class Gpt2Architecture implements Architecture {
    private final Map<String, TensorSpec> tensors = new LinkedHashMap<>();
    private final DType dtype;

    private Gpt2Architecture(DType dtype) {
        this.dtype = dtype;
    }

    /** @param dtype storage type of all tensors */
    public static Gpt2Architecture of(ModelConfig config, DType dtype) {
        var architecture = new Gpt2Architecture(dtype);
        int width = config.width();
        architecture.add("wte.weight", TensorSpec.NONE, config.vocabulary(), width);
        architecture.add("wpe.weight", TensorSpec.NONE, config.sequenceLength(), width);
        for (int layer = 0; layer < config.layers(); layer++) {
            architecture.addBlock(config, layer);
        }
        architecture.add("ln_f.weight", TensorSpec.NONE, width);
        architecture.add("ln_f.bias", TensorSpec.NONE, width);
        return architecture;
    }

    private void addBlock(ModelConfig config, int layer) {
        int width = config.width();
        String block = ParameterLayout.block(layer);
        add(block + "ln_1.weight", layer, width);
        add(block + "ln_1.bias", layer, width);
        add(block + "attn.c_attn.weight", layer, width, 3 * width);
        add(block + "attn.c_attn.bias", layer, 3 * width);
        add(block + "attn.c_proj.weight", layer, width, width);
        add(block + "attn.c_proj.bias", layer, width);
        add(block + "ln_2.weight", layer, width);
        add(block + "ln_2.bias", layer, width);
        if (!config.isMoe(layer)) {
            addFeedForward(config, block + "mlp.", layer, TensorSpec.NONE);
            return;
        }
        MoeLayer moe = config.moe().layer(layer);
        var shape = List.of(moe.routerRows(), width);
        add(ParameterLayout.router(layer), shape, TensorRole.ROUTER, layer, TensorSpec.NONE, NeuronAxis.NONE);
        for (int expert = 0; expert < moe.experts(); expert++) {
            addFeedForward(config, ParameterLayout.expert(layer, expert), layer, expert);
        }
    }

    private void addFeedForward(ModelConfig config, String prefix, int layer, int expert) {
        int hidden = config.feedForward();
        int width = config.width();
        var names = ParameterLayout.FEED_FORWARD;
        addPart(prefix + names.get(0), List.of(width, hidden), TensorRole.EXPERT_UP, layer, expert, NeuronAxis.COLUMNS);
        addPart(prefix + names.get(1), List.of(hidden), TensorRole.EXPERT_UP_BIAS, layer, expert, NeuronAxis.ROWS);
        addPart(prefix + names.get(2), List.of(hidden, width), TensorRole.EXPERT_DOWN, layer, expert, NeuronAxis.ROWS);
        addPart(prefix + names.get(3), List.of(width), TensorRole.EXPERT_DOWN_BIAS, layer, expert, NeuronAxis.NONE);
    }

    /** A dense feed-forward network has the same tensor names as an expert, but not the roles. */
    private void addPart(String name, List<Integer> shape, TensorRole role, int layer, int expert, NeuronAxis axis) {
        boolean dense = expert == TensorSpec.NONE;
        add(name, shape, dense ? TensorRole.OTHER : role, layer, expert, dense ? NeuronAxis.NONE : axis);
    }

    private void add(String name, int layer, Integer... shape) {
        add(name, List.of(shape), TensorRole.OTHER, layer, TensorSpec.NONE, NeuronAxis.NONE);
    }

    private void add(String name, List<Integer> shape, TensorRole role, int layer, int expert, NeuronAxis axis) {
        tensors.put(name, new TensorSpec(name, shape, role, layer, expert, axis, dtype));
    }

    /** All tensors in the order of {@link ParameterLayout}: embeddings, blocks, final norm. */
    public List<TensorSpec> tensors() {
        return new ArrayList<>(tensors.values());
    }

    @Override
    public int layer(String name) {
        TensorSpec tensor = tensors.get(name);
        return tensor == null ? TensorSpec.NONE : tensor.layer();
    }

    /** The tensor with this name in the configured model. Shape and type must be those of the file. */
    @Override
    public TensorSpec describe(String name, List<Integer> shape, DType stored) {
        TensorSpec tensor = tensors.get(name);
        if (tensor == null) {
            throw mismatch("tensor " + name + " is not one of the model that config.json describes");
        }
        if (!tensor.shape().equals(shape)) {
            throw mismatch("tensor " + name + " has shape " + shape + ", but " + tensor.shape() + " by config.json");
        }
        if (stored != dtype) {
            throw mismatch("tensor " + name + " is stored as " + stored + ", but as " + dtype + " by config.json");
        }
        return tensor;
    }

    private static UserError mismatch(String what) {
        return UserError.input(
                what, "config.json and the weights belong to different models: produce the model again.");
    }
}

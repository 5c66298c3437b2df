package dev.uncurl.model.spec;

import dev.uncurl.error.UserError;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A GPT-2 decoder with experts, whose every tensor is known from its configuration. Names and orientation are those of
 * GPT-2's published checkpoints (linear maps are stored input x output), with the experts of block 1 under
 * {@code h.1.moe.experts.<e>}.
 */
public final class Gpt2Architecture implements Architecture {
    private final Map<String, TensorSpec> tensors = new LinkedHashMap<>();
    private final DType dtype;

    private Gpt2Architecture(DType dtype) {
        this.dtype = dtype;
    }

    /** @param dtype in which all tensors are stored */
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

    /** A dense feed-forward network has the names of an expert's tensors and none of their roles. */
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

    /** The tensor of that name in the model of the configuration, which must be as the file has it. */
    @Override
    public TensorSpec describe(String name, List<Integer> shape, DType stored) {
        TensorSpec tensor = tensors.get(name);
        if (tensor == null) {
            throw refused("tensor " + name + " is not one that the model of config.json has");
        }
        if (!tensor.shape().equals(shape)) {
            throw refused("tensor " + name + " has shape " + shape + ", by config.json " + tensor.shape());
        }
        if (stored != dtype) {
            throw refused("tensor " + name + " is stored as " + stored + ", by config.json as " + dtype);
        }
        return tensor;
    }

    private static UserError refused(String what) {
        return UserError.input(what, "config.json and the weights are not of one model: produce the model again.");
    }
}

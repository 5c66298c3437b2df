package dev.uncurl.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.uncurl.error.UserError;
import dev.uncurl.model.spec.DType;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.model.spec.MoeLayer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.apache.hadoop.fs.Path;

/**
 * Reads and writes {@code config.json}. Its keys are those of Hugging Face's GPT-2, and for experts those of Mixtral:
 *
 * <pre>
 * n_layer L, n_embd D, n_head H, n_inner F, vocab_size V, n_positions T,
 * num_local_experts E (0: dense), num_experts_per_tok k, moe_every (blocks every-1, 2 every-1, ... have experts),
 * norm_topk_prob, router_aux_loss_coef, router_z_loss_coef, capacity_factor (0: none; also when missing)
 * </pre>
 *
 * {@code torch_dtype} is the storage type of every tensor: float32 (the default), bfloat16 or float16. {@code model_type},
 * {@code activation_function} and {@code tie_word_embeddings} are written for other readers, always with the same values;
 * {@link ConfigKeys} rejects other values.
 *
 * <p>If blocks differ in their number of experts, or a router is mapped ({@link MoeLayer}), num_local_experts is a list with the
 * number of each block (0 for a dense block), and router_map contains for each mapped block the expert of each router row. -1
 * marks a masked row, which is part of the softmax but is never chosen; -2 a zeroed row, which is chosen and adds nothing. Such
 * a model has a different {@code model_type}, so that no reader mistakes it for a uniform model.
 */
final class ConfigJson {
    static final String MODEL_TYPE = "uncurl-smoe-gpt2";
    static final String MODEL_TYPE_BY_LAYER = "uncurl-smoe-gpt2-by-layer";

    private static final String DTYPE = "torch_dtype";
    private static final String EXPERTS = "num_local_experts";
    private static final String ROUTER_MAP = "router_map";
    private static final String REMEDY = "Use a model folder that Uncurl wrote, or produce the model again.";

    private static final ObjectMapper JSON = new ObjectMapper()
            .enable(SerializationFeature.INDENT_OUTPUT)
            .enable(
                    DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY,
                    DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private ConfigJson() {}

    /** {@link #write(ModelConfig, DType)} with type F32. */
    static byte[] write(ModelConfig config) throws JsonProcessingException {
        return write(config, DType.F32);
    }

    static byte[] write(ModelConfig config, DType dtype) throws JsonProcessingException {
        var moe = config.moe();
        boolean uniform = moe.byLayer().isEmpty();
        ObjectNode root = JSON.createObjectNode()
                .put("model_type", uniform ? MODEL_TYPE : MODEL_TYPE_BY_LAYER)
                .put("n_layer", config.layers())
                .put("n_embd", config.width())
                .put("n_head", config.heads())
                .put("n_inner", config.feedForward())
                .put("vocab_size", config.vocabulary())
                .put("n_positions", config.sequenceLength());
        if (uniform) {
            root.put(EXPERTS, moe.experts());
        } else {
            writeLayers(config, root);
        }
        return JSON.writeValueAsBytes(root.put("num_experts_per_tok", moe.topK())
                .put("moe_every", moe.every())
                .put("norm_topk_prob", moe.renormalize())
                .put("router_aux_loss_coef", moe.balanceLoss())
                .put("router_z_loss_coef", moe.zLoss())
                .put("capacity_factor", moe.capacityFactor())
                .put("activation_function", "gelu_new")
                .put("tie_word_embeddings", true)
                .put("torch_dtype", dtype.torch()));
    }

    private static void writeLayers(ModelConfig config, ObjectNode root) {
        ArrayNode experts = root.putArray(EXPERTS);
        ObjectNode maps = root.putObject(ROUTER_MAP);
        for (int layer = 0; layer < config.layers(); layer++) {
            experts.add(config.isMoe(layer) ? config.moe().layer(layer).experts() : 0);
            if (config.isMoe(layer) && config.moe().layer(layer).isMapped()) {
                ArrayNode map = maps.putArray(Integer.toString(layer));
                config.moe().layer(layer).routerMap().forEach(map::add);
            }
        }
    }

    /** The storage type of the tensors. @param file for messages only */
    static DType dtype(Path file, byte[] json) throws IOException {
        return dtype(file, tree(file, json));
    }

    private static DType dtype(Path file, JsonNode root) {
        if (!root.has(DTYPE)) {
            return DType.F32;
        }
        for (DType dtype : DType.values()) {
            if (dtype.torch().equals(root.get(DTYPE).asText())) {
                return dtype;
            }
        }
        throw invalid(file, DTYPE, root, "one of " + String.join(", ", DType.torchNames()));
    }

    private static JsonNode tree(Path file, byte[] json) throws IOException {
        try {
            return JSON.readTree(json);
        } catch (JsonProcessingException e) {
            throw UserError.input(file + " is not JSON: " + e.getOriginalMessage(), "Produce the model again.", e);
        }
    }

    /** @param file for messages only */
    static ModelConfig read(Path file, byte[] json) throws IOException {
        JsonNode root = tree(file, json);
        String type = root.path("model_type").asText();
        if (!MODEL_TYPE.equals(type) && !MODEL_TYPE_BY_LAYER.equals(type)) {
            throw invalid(file, "model_type", root, "\"" + MODEL_TYPE + "\" or \"" + MODEL_TYPE_BY_LAYER + "\"");
        }
        int layers = integer(file, root, "n_layer");
        SortedMap<Integer, MoeLayer> byLayer =
                MODEL_TYPE.equals(type) ? Collections.emptySortedMap() : readLayers(file, root, layers);
        int experts = byLayer.isEmpty()
                ? integer(file, root, EXPERTS)
                : byLayer.values().stream().mapToInt(MoeLayer::experts).max().orElseThrow();
        ModelConfig config = checked(file, "", () -> {
            var moe = new MoeConfig(
                    experts,
                    integer(file, root, "num_experts_per_tok"),
                    integer(file, root, "moe_every"),
                    flag(file, root, "norm_topk_prob"),
                    number(file, root, "router_aux_loss_coef"),
                    number(file, root, "router_z_loss_coef"),
                    // earlier releases, which had no capacity limit, did not write this key
                    root.has("capacity_factor") ? number(file, root, "capacity_factor") : 0,
                    byLayer);
            return new ModelConfig(
                    layers,
                    integer(file, root, "n_embd"),
                    integer(file, root, "n_head"),
                    integer(file, root, "n_inner"),
                    integer(file, root, "vocab_size"),
                    integer(file, root, "n_positions"),
                    moe);
        });
        ConfigKeys.check(file, root, JSON.readTree(write(config, dtype(file, root))));
        return config;
    }

    /** Experts and router of each block with experts. Never empty, because a model without experts is uniform. */
    private static SortedMap<Integer, MoeLayer> readLayers(Path file, JsonNode root, int layers) {
        List<Integer> experts = integers(file, root, EXPERTS);
        if (experts.size() != layers || Collections.max(experts) < 1) {
            throw invalid(file, EXPERTS, root, "a number for each of the " + layers + " blocks, 0 where it is dense");
        }
        JsonNode maps = root.path(ROUTER_MAP);
        if (!maps.isObject()) {
            throw invalid(file, ROUTER_MAP, root, "an object of lists by block");
        }
        var byLayer = new TreeMap<Integer, MoeLayer>();
        int mapped = 0;
        for (int layer = 0; layer < layers; layer++) {
            String block = Integer.toString(layer);
            if (experts.get(layer) != 0) {
                List<Integer> map = maps.has(block) ? integers(file, maps, block) : List.of();
                mapped += maps.has(block) ? 1 : 0;
                int ownExperts = experts.get(layer);
                byLayer.put(layer, checked(file, "block " + layer + ": ", () -> new MoeLayer(ownExperts, map)));
            }
        }
        if (mapped != maps.size()) {
            throw invalid(
                    file, ROUTER_MAP, root, "an object with keys of blocks with experts only, " + byLayer.keySet());
        }
        return byLayer;
    }

    private static <T> T checked(Path file, String place, Supplier<T> constructor) {
        try {
            return constructor.get();
        } catch (UserError e) {
            if (e.kind() == UserError.Kind.INPUT) {
                throw e;
            }
            throw UserError.input(file + ": " + place + e.getMessage().replace("\n  ", ". "), REMEDY, e);
        }
    }

    private static List<Integer> integers(Path file, JsonNode parent, String key) {
        var values = new ArrayList<Integer>();
        for (JsonNode node : parent.path(key)) {
            if (!node.isIntegralNumber() || !node.canConvertToInt()) {
                throw invalid(file, key, parent, "a list of whole numbers");
            }
            values.add(node.intValue());
        }
        if (!parent.path(key).isArray() || values.isEmpty()) {
            throw invalid(file, key, parent, "a list of whole numbers");
        }
        return values;
    }

    private static int integer(Path file, JsonNode root, String key) {
        JsonNode node = root.path(key);
        if (!node.isIntegralNumber() || !node.canConvertToInt()) {
            throw invalid(file, key, root, "a whole number");
        }
        return node.intValue();
    }

    private static double number(Path file, JsonNode root, String key) {
        if (!root.path(key).isNumber()) {
            throw invalid(file, key, root, "a number");
        }
        return root.path(key).doubleValue();
    }

    private static boolean flag(Path file, JsonNode root, String key) {
        if (!root.path(key).isBoolean()) {
            throw invalid(file, key, root, "true or false");
        }
        return root.path(key).booleanValue();
    }

    private static UserError invalid(Path file, String key, JsonNode root, String wanted) {
        String value = root.has(key) ? root.get(key).toString() : "missing";
        return UserError.input(file + ": " + key + " is " + value + ", but should be " + wanted, REMEDY);
    }
}

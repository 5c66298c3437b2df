package dev.uncurl.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.uncurl.config.ModelConfig;
import dev.uncurl.config.MoeConfig;
import dev.uncurl.error.Refusal;
import java.io.IOException;
import org.apache.hadoop.fs.Path;

/**
 * {@code config.json}: the model's shape under the names of Hugging Face's GPT-2, and for the experts those of Mixtral:
 *
 * <pre>
 * n_layer L, n_embd D, n_head H, n_inner F, vocab_size V, n_positions T,
 * num_local_experts E (0: dense), num_experts_per_tok k, moe_every (blocks every-1, 2 every-1, ... have experts),
 * norm_topk_prob, router_aux_loss_coef, router_z_loss_coef, capacity_factor (0: none; also when missing)
 * </pre>
 *
 * Fixed facts stand there for readers outside Uncurl: {@code model_type}, {@code activation_function},
 * {@code tie_word_embeddings}, {@code torch_dtype}.
 */
final class ConfigJson {
    static final String MODEL_TYPE = "uncurl-smoe-gpt2";

    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    private ConfigJson() {}

    static byte[] write(ModelConfig config) throws JsonProcessingException {
        var moe = config.moe();
        return JSON.writeValueAsBytes(JSON.createObjectNode()
                .put("model_type", MODEL_TYPE)
                .put("n_layer", config.layers())
                .put("n_embd", config.width())
                .put("n_head", config.heads())
                .put("n_inner", config.feedForward())
                .put("vocab_size", config.vocabulary())
                .put("n_positions", config.sequenceLength())
                .put("num_local_experts", moe.experts())
                .put("num_experts_per_tok", moe.topK())
                .put("moe_every", moe.every())
                .put("norm_topk_prob", moe.renormalize())
                .put("router_aux_loss_coef", moe.balanceLoss())
                .put("router_z_loss_coef", moe.zLoss())
                .put("capacity_factor", moe.capacityFactor())
                .put("activation_function", "gelu_new")
                .put("tie_word_embeddings", true)
                .put("torch_dtype", "float32"));
    }

    /** @param file for messages only */
    static ModelConfig read(Path file, byte[] json) throws IOException {
        JsonNode root;
        try {
            root = JSON.readTree(json);
        } catch (JsonProcessingException e) {
            throw Refusal.input(file + " is not JSON: " + e.getOriginalMessage(), "Produce the model again.", e);
        }
        if (!MODEL_TYPE.equals(root.path("model_type").asText())) {
            throw refused(file, "model_type", root, "\"" + MODEL_TYPE + "\"");
        }
        var moe = new MoeConfig(
                integer(file, root, "num_local_experts"),
                integer(file, root, "num_experts_per_tok"),
                integer(file, root, "moe_every"),
                flag(file, root, "norm_topk_prob"),
                number(file, root, "router_aux_loss_coef"),
                number(file, root, "router_z_loss_coef"),
                // folders from before there was a limit do not have it
                root.has("capacity_factor") ? number(file, root, "capacity_factor") : 0);
        return new ModelConfig(
                integer(file, root, "n_layer"),
                integer(file, root, "n_embd"),
                integer(file, root, "n_head"),
                integer(file, root, "n_inner"),
                integer(file, root, "vocab_size"),
                integer(file, root, "n_positions"),
                moe);
    }

    private static int integer(Path file, JsonNode root, String key) {
        JsonNode node = root.path(key);
        if (!node.isIntegralNumber() || !node.canConvertToInt()) {
            throw refused(file, key, root, "a whole number");
        }
        return node.intValue();
    }

    private static double number(Path file, JsonNode root, String key) {
        if (!root.path(key).isNumber()) {
            throw refused(file, key, root, "a number");
        }
        return root.path(key).doubleValue();
    }

    private static boolean flag(Path file, JsonNode root, String key) {
        if (!root.path(key).isBoolean()) {
            throw refused(file, key, root, "true or false");
        }
        return root.path(key).booleanValue();
    }

    private static Refusal refused(Path file, String key, JsonNode root, String wanted) {
        String value = root.has(key) ? root.get(key).toString() : "missing";
        return Refusal.input(
                file + ": " + key + " is " + value + ", it should be " + wanted,
                "Use a model folder that Uncurl wrote, or produce the model again.");
    }
}

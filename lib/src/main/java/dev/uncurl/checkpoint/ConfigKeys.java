package dev.uncurl.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.uncurl.error.UserError;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import org.apache.hadoop.fs.Path;

/**
 * Holds every key of a {@code config.json} against what Uncurl computes, so that none is accepted and then not followed. A
 * key is one that Uncurl writes, with the value that it writes for this model; or one of Hugging Face's that only describes
 * what Uncurl does anyway; or one that has no part in the arithmetic.
 */
final class ConfigKeys {
    /** Keys that Uncurl does not write, and the one value of each that it computes with. */
    private static final ObjectNode COMPUTED = new ObjectMapper()
            .createObjectNode()
            .put("hidden_act", "gelu_new")
            .put("layer_norm_epsilon", 1e-5)
            .put("layer_norm_eps", 1e-5)
            .put("attn_pdrop", 0)
            .put("embd_pdrop", 0)
            .put("resid_pdrop", 0)
            .put("attention_dropout", 0)
            .put("hidden_dropout", 0)
            .put("position_embedding_type", "absolute")
            .put("scale_attn_weights", true)
            .put("scale_attn_by_inverse_layer_idx", false)
            .put("reorder_and_upcast_attn", false)
            .put("add_cross_attention", false)
            .put("router_jitter_noise", 0);

    /** Keys that change no result, whatever they say. */
    private static final Set<String> DESCRIPTIVE = Set.of(
            "_name_or_path",
            "architectures",
            "transformers_version",
            "use_cache",
            "initializer_range",
            "bos_token_id",
            "eos_token_id",
            "pad_token_id");

    private ConfigKeys() {}

    /**
     * @param file for messages only
     * @param written the file that Uncurl writes for the model that {@code root} was read as
     * @throws UserError (input) with the key and its value
     */
    static void check(Path file, JsonNode root, JsonNode written) {
        for (Iterator<Map.Entry<String, JsonNode>> fields = root.fields(); fields.hasNext(); ) {
            Map.Entry<String, JsonNode> field = fields.next();
            String key = field.getKey();
            JsonNode supported = written.has(key) ? written.get(key) : computed(key, written);
            if (supported == null && !DESCRIPTIVE.contains(key)) {
                throw refused(file, field, "not a key that Uncurl knows, so it cannot be followed");
            }
            if (supported != null && !same(field.getValue(), supported)) {
                throw refused(file, field, "not supported; " + supported + " is");
            }
        }
    }

    /** Newer files of Hugging Face say dtype for torch_dtype. */
    private static JsonNode computed(String key, JsonNode written) {
        return key.equals("dtype") ? written.get("torch_dtype") : COMPUTED.get(key);
    }

    private static boolean same(JsonNode value, JsonNode supported) {
        return value.isNumber() && supported.isNumber()
                ? value.doubleValue() == supported.doubleValue()
                : value.equals(supported);
    }

    private static UserError refused(Path file, Map.Entry<String, JsonNode> field, String why) {
        return UserError.input(
                file + ": " + field.getKey() + " is " + field.getValue() + ", which is " + why,
                "Use a model folder that Uncurl wrote, or convert the model to what its config.json describes.");
    }
}

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
 * Checks every key of a {@code config.json}, so that no setting is accepted and then ignored. Three kinds of keys are accepted:
 * keys that Uncurl writes, with the value that it writes for this model; keys of Hugging Face with the one value that Uncurl
 * supports; and keys that do not affect the computation.
 */
final class ConfigKeys {
    /** Keys that Uncurl does not write, each with the only supported value. */
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

    /** Keys that affect no result, whatever their value. */
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
     * @param root the file that was read
     * @param written the file that Uncurl would write for the same model
     * @throws UserError (input) that names the key and its value
     */
    static void check(Path file, JsonNode root, JsonNode written) {
        for (Iterator<Map.Entry<String, JsonNode>> fields = root.fields(); fields.hasNext(); ) {
            Map.Entry<String, JsonNode> field = fields.next();
            String key = field.getKey();
            JsonNode supported = written.has(key) ? written.get(key) : computed(key, written);
            if (supported == null && !DESCRIPTIVE.contains(key)) {
                throw invalid(file, field, "a key that Uncurl does not know");
            }
            if (supported != null && !same(field.getValue(), supported)) {
                throw invalid(file, field, "not supported; the only supported value is " + supported);
            }
        }
    }

    /** Newer files of Hugging Face have dtype instead of torch_dtype. */
    private static JsonNode computed(String key, JsonNode written) {
        return key.equals("dtype") ? written.get("torch_dtype") : COMPUTED.get(key);
    }

    private static boolean same(JsonNode value, JsonNode supported) {
        return value.isNumber() && supported.isNumber()
                ? value.doubleValue() == supported.doubleValue()
                : value.equals(supported);
    }

    private static UserError invalid(Path file, Map.Entry<String, JsonNode> field, String why) {
        return UserError.input(
                file + ": " + field.getKey() + " is " + field.getValue() + ", which is " + why,
                "Use a model folder that Uncurl wrote, or convert the model to a supported configuration.");
    }
}

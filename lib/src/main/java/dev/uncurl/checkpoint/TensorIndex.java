package dev.uncurl.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.uncurl.error.UserError;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** {@code model.safetensors.index.json}, in Hugging Face's layout: the file of each tensor of a folder. */
final class TensorIndex {
    static final String FILE = "model.safetensors.index.json";
    /** The only file with tensors of a folder without an index. */
    static final String SINGLE = "model.safetensors";

    private static final String REMEDY = "The folder is damaged or is not a model: copy it again, or produce it again.";
    private static final ObjectMapper JSON = new ObjectMapper()
            .enable(SerializationFeature.INDENT_OUTPUT)
            .enable(
                    DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY,
                    DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private TensorIndex() {}

    /**
     * @param files by tensor, in the order in which they are written
     * @param bytes total size of all tensors
     */
    static byte[] write(Map<String, String> files, long bytes) throws JsonProcessingException {
        ObjectNode root = JSON.createObjectNode();
        root.putObject("metadata").put("total_size", bytes);
        ObjectNode map = root.putObject("weight_map");
        files.forEach(map::put);
        return JSON.writeValueAsBytes(root);
    }

    /**
     * Reads the file of each tensor.
     *
     * @param file for messages only
     * @throws UserError (input) if the index is invalid or names a file outside of its folder
     */
    static Map<String, String> read(Path file, byte[] json) throws IOException {
        JsonNode map;
        try {
            map = JSON.readTree(json).path("weight_map");
        } catch (JsonProcessingException e) {
            throw UserError.input(file + " is not JSON: " + e.getOriginalMessage(), REMEDY, e);
        }
        if (!map.isObject() || map.isEmpty()) {
            throw UserError.input(file + " has no weight_map that names the file of each tensor", REMEDY);
        }
        var files = new LinkedHashMap<String, String>();
        map.fields().forEachRemaining(field -> {
            String name = field.getValue().asText();
            if (!field.getValue().isTextual() || !name.matches("[A-Za-z0-9][A-Za-z0-9._-]*")) {
                throw UserError.input(
                        file + ": tensor " + field.getKey() + " is in " + field.getValue()
                                + ", which is not the name of a file of this folder",
                        REMEDY);
            }
            files.put(field.getKey(), name);
        });
        return files;
    }

    /** The file of each tensor of a folder with a single file and no index. */
    static Map<String, String> single(FileSystem fs, Path folder) throws IOException {
        var files = new LinkedHashMap<String, String>();
        Safetensors.open(fs, new Path(folder, SINGLE)).tensors().forEach(tensor -> files.put(tensor.name(), SINGLE));
        return files;
    }
}

package dev.uncurl.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.uncurl.error.UserError;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.Path;

/**
 * Which tensor lies in which file: shard i holds block i, and the last shard, number L, the embeddings and the final
 * norm. {@code model.safetensors.index.json} tells others, in Hugging Face's layout.
 */
public final class Shards {
    static final String INDEX = "model.safetensors.index.json";

    private static final Pattern BLOCK = Pattern.compile("h\\.(\\d+)\\..*");
    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    private final ParameterLayout layout;
    private final List<List<ParameterLayout.Tensor>> tensors = new ArrayList<>();

    private Shards(ModelConfig config) {
        layout = ParameterLayout.of(config);
        for (int shard = 0; shard <= config.layers(); shard++) {
            tensors.add(new ArrayList<>());
        }
        for (ParameterLayout.Tensor tensor : layout.tensors()) {
            var block = BLOCK.matcher(tensor.name());
            tensors.get(block.matches() ? Integer.parseInt(block.group(1)) : config.layers())
                    .add(tensor);
        }
    }

    public static Shards of(ModelConfig config) {
        return new Shards(config);
    }

    /** Number of shards: one per block and one for the rest. */
    public int count() {
        return tensors.size();
    }

    /** {@code model-00000-of-00005.safetensors} */
    public String file(int shard) {
        return String.format(Locale.ROOT, "model-%05d-of-%05d.safetensors", shard, count());
    }

    /** The tensors of a shard in the order of the model's layout. */
    public List<ParameterLayout.Tensor> tensors(int shard) {
        return List.copyOf(tensors.get(shard));
    }

    public ParameterLayout layout() {
        return layout;
    }

    List<SafetensorsWriter.Declaration> declarations(int shard) {
        return tensors.get(shard).stream()
                .map(tensor -> new SafetensorsWriter.Declaration(tensor.name(), tensor.shape()))
                .toList();
    }

    /** Shard by name of the tensor. */
    Map<String, Integer> shardOfTensor() {
        var shards = new HashMap<String, Integer>();
        for (int shard = 0; shard < count(); shard++) {
            for (ParameterLayout.Tensor tensor : tensors.get(shard)) {
                shards.put(tensor.name(), shard);
            }
        }
        return shards;
    }

    byte[] index() throws JsonProcessingException {
        ObjectNode root = JSON.createObjectNode();
        root.putObject("metadata").put("total_size", layout.length() * Float.BYTES);
        ObjectNode map = root.putObject("weight_map");
        for (int shard = 0; shard < count(); shard++) {
            for (ParameterLayout.Tensor tensor : tensors.get(shard)) {
                map.put(tensor.name(), file(shard));
            }
        }
        return JSON.writeValueAsBytes(root);
    }

    /** @throws UserError (input) that names the tensor when the index places the model's tensors differently */
    void checkIndex(Path file, byte[] json) throws IOException {
        JsonNode map;
        try {
            map = JSON.readTree(json).path("weight_map");
        } catch (JsonProcessingException e) {
            throw UserError.input(file + " is not JSON: " + e.getOriginalMessage(), "Produce the model again.", e);
        }
        String remedy = "config.json and the weights are not of one model: produce the model again.";
        for (int shard = 0; shard < count(); shard++) {
            for (ParameterLayout.Tensor tensor : tensors.get(shard)) {
                String named = map.path(tensor.name()).asText("no file");
                if (!named.equals(file(shard))) {
                    throw UserError.input(
                            file + ": tensor " + tensor.name() + " is in " + named + ", by config.json it should be in "
                                    + file(shard),
                            remedy);
                }
            }
        }
        if (map.size() != layout.tensors().size()) {
            throw UserError.input(
                    file + " names " + map.size() + " tensors, by config.json the model has "
                            + layout.tensors().size(),
                    remedy);
        }
    }

    /** @throws UserError (input) when the shard's header disagrees with config.json in a name or a shape */
    void checkHeader(int shard, Safetensors header) {
        for (ParameterLayout.Tensor tensor : tensors.get(shard)) {
            List<Integer> shape = header.tensor(tensor.name()).shape();
            if (!shape.equals(tensor.shape())) {
                throw UserError.input(
                        header.file() + ": tensor " + tensor.name() + " has shape " + shape + ", by config.json "
                                + tensor.shape(),
                        "config.json and the weights are not of one model: produce the model again.");
            }
        }
        if (header.tensors().size() != tensors.get(shard).size()) {
            throw UserError.input(
                    header.file() + " holds tensors that the model of config.json does not have",
                    "config.json and the weights are not of one model: produce the model again.");
        }
    }
}

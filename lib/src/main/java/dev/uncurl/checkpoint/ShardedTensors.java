package dev.uncurl.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.uncurl.model.spec.TensorSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;

/**
 * Which tensor goes into which file when a folder is written: shard i holds block i, and the last shard whatever belongs
 * to no block. Folders of other writers may be cut differently: readers follow the index ({@link TensorFolder}).
 */
public final class ShardedTensors {
    private final List<List<TensorSpec>> shards = new ArrayList<>();

    /** @param tensors in the order in which each file has them */
    public ShardedTensors(List<TensorSpec> tensors) {
        int blocks = tensors.stream().mapToInt(TensorSpec::layer).max().orElse(TensorSpec.NONE) + 1;
        for (int shard = 0; shard <= blocks; shard++) {
            shards.add(new ArrayList<>());
        }
        tensors.forEach(tensor -> shards.get(tensor.layer() == TensorSpec.NONE ? blocks : tensor.layer())
                .add(tensor));
    }

    /** Number of shards: one per block and one for the rest. */
    public int count() {
        return shards.size();
    }

    /** {@code model-00000-of-00005.safetensors} */
    public String file(int shard) {
        return String.format(Locale.ROOT, "model-%05d-of-%05d.safetensors", shard, count());
    }

    /** The tensors of a shard in their order. */
    public List<TensorSpec> tensors(int shard) {
        return List.copyOf(shards.get(shard));
    }

    List<SafetensorsWriter.Declaration> declarations(int shard) {
        return shards.get(shard).stream()
                .map(tensor -> new SafetensorsWriter.Declaration(tensor.name(), tensor.shape(), tensor.dtype()))
                .toList();
    }

    /** Size of the values of all tensors. */
    long bytes() {
        return shards.stream()
                .flatMap(List::stream)
                .mapToLong(tensor -> tensor.length() * tensor.dtype().bytes())
                .sum();
    }

    /** {@code model.safetensors.index.json} of a folder with all shards. */
    byte[] index() throws JsonProcessingException {
        var files = new LinkedHashMap<String, String>();
        for (int shard = 0; shard < count(); shard++) {
            for (TensorSpec tensor : shards.get(shard)) {
                files.put(tensor.name(), file(shard));
            }
        }
        return TensorIndex.write(files, bytes());
    }
}

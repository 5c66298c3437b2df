package dev.uncurl.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.uncurl.model.spec.TensorSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * Assigns tensors to the files of a folder that is written: shard i contains block i, the last shard all tensors that belong to
 * no block. Readers do not depend on this assignment; they use the index ({@link TensorFolder}).
 */
public final class ShardedTensors {
    private final List<List<TensorSpec>> shards;

    private ShardedTensors(Stream<List<TensorSpec>> shards) {
        this.shards = shards.toList();
    }

    /** Another assignment. @param shards the tensors of each, in the order in which they are written */
    static ShardedTensors of(List<List<TensorSpec>> shards) {
        return new ShardedTensors(shards.stream());
    }

    /** @param tensors in the order in which they are written */
    public ShardedTensors(List<TensorSpec> tensors) {
        shards = new ArrayList<>();
        int blocks = tensors.stream().mapToInt(TensorSpec::layer).max().orElse(TensorSpec.NONE) + 1;
        for (int shard = 0; shard <= blocks; shard++) {
            shards.add(new ArrayList<>());
        }
        tensors.forEach(tensor -> shards.get(tensor.layer() == TensorSpec.NONE ? blocks : tensor.layer())
                .add(tensor));
    }

    /** Number of shards. */
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

    /** Total size of all tensors in bytes. */
    long bytes() {
        return shards.stream()
                .flatMap(List::stream)
                .mapToLong(tensor -> tensor.length() * tensor.dtype().bytes())
                .sum();
    }

    /** {@code model.safetensors.index.json} of all shards. */
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

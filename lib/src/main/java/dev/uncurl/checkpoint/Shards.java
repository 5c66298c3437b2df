package dev.uncurl.checkpoint;

import dev.uncurl.model.spec.DType;
import dev.uncurl.model.spec.Gpt2Architecture;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.util.List;

/** The shards of a {@link ModelFolder}: {@link ShardedTensors} of a GPT-2, with its {@link ParameterLayout}. */
public final class Shards {
    private final ParameterLayout layout;
    private final ShardedTensors sharded;

    private Shards(ModelConfig config, DType dtype) {
        layout = ParameterLayout.of(config);
        sharded = new ShardedTensors(Gpt2Architecture.of(config, dtype).tensors());
    }

    /** Shards with all tensors of type F32. */
    public static Shards of(ModelConfig config) {
        return of(config, DType.F32);
    }

    /** @param dtype storage type of all tensors */
    public static Shards of(ModelConfig config, DType dtype) {
        return new Shards(config, dtype);
    }

    /** The shards, with tensors described by {@link dev.uncurl.model.spec.TensorSpec}. */
    public ShardedTensors sharded() {
        return sharded;
    }

    /** Number of shards: one per block and one for the rest. */
    public int count() {
        return sharded.count();
    }

    /** {@code model-00000-of-00005.safetensors} */
    public String file(int shard) {
        return sharded.file(shard);
    }

    /** The tensors of a shard in the order of the model's layout. */
    public List<ParameterLayout.Tensor> tensors(int shard) {
        return sharded.tensors(shard).stream()
                .map(tensor -> layout.tensor(tensor.name()))
                .toList();
    }

    public ParameterLayout layout() {
        return layout;
    }
}

package dev.uncurl.checkpoint;

import dev.uncurl.model.spec.DType;
import dev.uncurl.model.spec.ExpertShare;
import dev.uncurl.model.spec.Gpt2Architecture;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.ParameterLayout;
import dev.uncurl.model.spec.TensorSpec;
import java.util.ArrayList;
import java.util.List;

/** The shards of a {@link ModelFolder}: {@link ShardedTensors} of a GPT-2, with its {@link ParameterLayout}. */
public final class Shards {
    private final ParameterLayout layout;
    private final ShardedTensors sharded;

    private final int parts;
    /** Number of shards that any rank can write. */
    private final int common;

    private Shards(ModelConfig config, DType dtype, int parts) {
        this.parts = parts;
        layout = ParameterLayout.of(config);
        List<TensorSpec> tensors = Gpt2Architecture.of(config, dtype).tensors();
        if (parts == 1) {
            sharded = new ShardedTensors(tensors);
            common = sharded.count();
            return;
        }
        var shards = new ArrayList<List<TensorSpec>>();
        for (int layer = 0; layer <= config.layers(); layer++) {
            int block = layer == config.layers() ? TensorSpec.NONE : layer;
            shards.add(tensors.stream()
                    .filter(tensor -> tensor.layer() == block && !ExpertShare.isOfExpert(tensor))
                    .toList());
        }
        common = shards.size();
        for (int layer : config.moeLayers()) {
            int experts = config.moe().layer(layer).experts();
            for (int part = 0; part < parts; part++) {
                var share = new ExpertShare(part, parts);
                shards.add(tensors.stream()
                        .filter(tensor -> tensor.layer() == layer && ExpertShare.isOfExpert(tensor))
                        .filter(tensor -> tensor.expert() >= share.from(experts) && tensor.expert() < share.to(experts))
                        .toList());
            }
        }
        sharded = ShardedTensors.of(shards);
    }

    /** Shards with all tensors of type F32. */
    public static Shards of(ModelConfig config) {
        return of(config, DType.F32);
    }

    /** @param dtype storage type of all tensors */
    public static Shards of(ModelConfig config, DType dtype) {
        return new Shards(config, dtype, 1);
    }

    /**
     * Shards of which each rank has some if so many successive ranks divide the experts: one for each block without its experts, one
     * for the rest, and then for each MoE block one for each part of the experts. With 1 as {@link #of(ModelConfig, DType)}.
     */
    public static Shards of(ModelConfig config, DType dtype, int expertParallel) {
        return new Shards(config, dtype, expertParallel);
    }

    /** The rank that writes a shard, one of those that have its tensors. @param ranks their number */
    int writer(int shard, int ranks) {
        if (shard < common) {
            return shard % ranks;
        }
        int part = (shard - common) % parts;
        int block = (shard - common) / parts;
        return block % (ranks / parts) * parts + part;
    }

    /** The shards, with tensors described by {@link dev.uncurl.model.spec.TensorSpec}. */
    public ShardedTensors sharded() {
        return sharded;
    }

    /** Number of shards: one per block and one for the rest, if experts are not divided. */
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

package dev.uncurl.pruning;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.checkpoint.TensorFolder;
import dev.uncurl.model.Weights;
import dev.uncurl.model.spec.DType;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.TensorRole;
import dev.uncurl.model.spec.TensorSpec;
import java.io.IOException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The weights of a pruned model without its folder: each tensor is computed from the parent and the plan when it is read. The
 * values have the bits of the folder that {@link PlanApplier} writes with the same options, because the same code computes
 * them: {@link NeuronAlignment}, {@link MergedExpert}, {@link RouterRule}.
 *
 * <p>A cluster is aligned when the first of its tensors is read, with the memory that {@link Alignment} states; its
 * permutations are kept, 4 F bytes for each member. A mean takes 8 bytes for each value of the largest expert tensor. For one
 * reader at a time.
 */
public final class PlannedWeights implements Weights {
    private final TensorFolder parent;
    private final Plan plan;
    private final MergeOptions options;
    private final ModelConfig config;
    private final Map<String, TensorSpec> tensors = new LinkedHashMap<>();
    private final Map<PlanApplier.Merge, MergedExpert> experts = new HashMap<>();
    private final Map<Integer, LayerTensors> layers = new HashMap<>();
    private final WeightedMean mean;

    /**
     * @param options with {@code dtype}, to whose values the weights are rounded as a folder of that type has them
     * @throws dev.uncurl.error.UserError (input) if the plan was made for another model, (usage) if the router rule cannot be
     *     used with it
     */
    public PlannedWeights(ModelFolder parent, Plan plan, MergeOptions options) throws IOException {
        PlanApplier.check(parent, plan);
        this.parent = parent.tensors();
        this.plan = plan;
        this.options = options;
        config = PlanApplier.prunedConfig(parent.config(), plan, options);
        for (TensorSpec tensor : PlanApplier.prunedTensors(this.parent, plan, options)) {
            tensors.put(tensor.name(), tensor);
        }
        mean = WeightedMean.ofLargest(tensors.values());
    }

    /** The configuration of the pruned model. */
    public ModelConfig config() {
        return config;
    }

    @Override
    public void read(String name, Values values) throws IOException {
        TensorSpec tensor = tensors.get(name);
        if (tensor == null) {
            throw new IllegalArgumentException("The pruned model has no tensor " + name);
        }
        if (tensor.role() == TensorRole.ROUTER) {
            float[] router = PlanApplier.router(parent, name, plan, options.router(), tensor.layer());
            give(router.length, at -> router[at], values);
        } else if (!tensor.role().isExpert()) {
            parent.read(name, rounded(values));
        } else {
            MergedExpert expert = expert(new PlanApplier.Merge(tensor.layer(), tensor.expert()));
            if (expert.isCopy()) {
                parent.read(expert.original(tensor), rounded(values));
            } else {
                double[] merged = expert.mean(tensor, mean);
                give(Math.toIntExact(tensor.length()), at -> (float) merged[at], values);
            }
        }
    }

    private MergedExpert expert(PlanApplier.Merge cluster) throws IOException {
        MergedExpert known = experts.get(cluster);
        if (known != null) {
            return known;
        }
        int layer = cluster.layer();
        if (!layers.containsKey(layer)) {
            layers.put(layer, LayerTensors.of(parent, layer));
        }
        var members = plan.members(layer, cluster.cluster());
        NeuronAlignment alignment = options.align() && members.size() > 1
                ? NeuronAlignment.align(parent, plan, cluster)
                : NeuronAlignment.none(plan, layer, cluster.cluster());
        var expert = new MergedExpert(parent, layers.get(layer), members, alignment);
        experts.put(cluster, expert);
        return expert;
    }

    /** Passes values on as a folder of the storage type has them. */
    private Values rounded(Values values) {
        DType dtype = options.dtype();
        return (part, count, at) -> {
            for (int i = 0; i < count && dtype != DType.F32; i++) {
                part[i] = dtype.round(part[i]);
            }
            values.take(part, count, at);
        };
    }

    @FunctionalInterface
    private interface Computed {
        float at(int index);
    }

    private void give(int length, Computed computed, Values values) throws IOException {
        Values target = rounded(values);
        float[] part = new float[Math.min(PART, length)];
        for (int at = 0; at < length; at += part.length) {
            int count = Math.min(part.length, length - at);
            for (int i = 0; i < count; i++) {
                part[i] = computed.at(at + i);
            }
            target.take(part, count, at);
        }
    }
}

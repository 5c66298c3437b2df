package dev.uncurl.pruning;

import dev.uncurl.checkpoint.Manifest;
import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.checkpoint.ModelStaging;
import dev.uncurl.checkpoint.ShardWriter;
import dev.uncurl.checkpoint.TensorFolder;
import dev.uncurl.error.UserError;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeLayer;
import dev.uncurl.model.spec.TensorRole;
import dev.uncurl.model.spec.TensorSpec;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.TreeMap;

/**
 * Applies a plan to a model. The work is divided into units for separate processes:
 *
 * <ol>
 *   <li>{@link #check}, and {@link ModelStaging#create} for {@link #prunedConfig};
 *   <li>{@link NeuronAlignment#align} for each of {@link #merges}, if experts are to be aligned; reads the experts of one
 *       cluster only;
 *   <li>{@link #assembleShard} for each shard: merges experts, computes routers, and copies the other tensors;
 *   <li>{@link ModelStaging#publish}.
 * </ol>
 *
 * <p>Steps 2 and 3 use only the roles of tensors, so they work for every architecture. For a folder that is not a
 * {@link ModelFolder}, use {@link #prunedTensors} instead of step 1.
 */
public final class PlanApplier {
    /** A cluster of more than one expert. */
    public record Merge(int layer, int cluster) implements java.io.Serializable {}

    private PlanApplier() {}

    /** @throws UserError (input) if the plan was made for another model, other layers or another number of experts */
    public static void check(ModelFolder source, Plan plan) {
        Plan.Origin origin = plan.origin();
        String remedy = "Make a new plan for this model: run prune with the same options.";
        checkUniform(source);
        if (!origin.manifestSha256().equals(source.manifestSha256())) {
            throw UserError.input(
                    "Plan " + plan.id() + " was made for model " + origin.modelId() + " with manifest "
                            + origin.manifestSha256() + "; " + source.dir() + " has manifest "
                            + source.manifestSha256(),
                    remedy);
        }
        int experts = source.config().moe().experts();
        for (int layer : plan.layers()) {
            int planned = plan.layer(layer).size();
            if (source.config().isMoe(layer) && planned != experts) {
                throw UserError.input(
                        "Plan " + plan.id() + " is for E = " + planned + " experts in layer " + layer + "; "
                                + source.dir() + " has E = " + experts,
                        remedy);
            }
        }
        if (!Arrays.equals(plan.layers(), source.config().moeLayers())) {
            throw UserError.input(
                    "Plan " + plan.id() + " is for layers " + Arrays.toString(plan.layers()) + "; " + source.dir()
                            + " has experts in layers "
                            + Arrays.toString(source.config().moeLayers()),
                    remedy);
        }
    }

    /**
     * Checks that a model can be pruned.
     *
     * @throws UserError (input) if routers of the model are mapped, masked or zeroed (its routing tables then contain router rows, not
     *     experts), or layers differ in their number of experts (a plan has one E)
     */
    public static void checkUniform(ModelFolder source) {
        for (var own : source.config().moe().byLayer().entrySet()) {
            MoeLayer layer = own.getValue();
            if (layer.isMapped()) {
                throw unprunable(
                        source,
                        "with the router rule " + rule(layer).id() + ": in layer " + own.getKey() + " "
                                + layer.liveRows()
                                + (layer.liveRows() < layer.routerRows() ? " of " + layer.routerRows() : "")
                                + " router rows lead to "
                                + layer.experts() + " experts");
            }
        }
        if (!source.config().moe().byLayer().isEmpty()) {
            var experts = new TreeMap<Integer, Integer>();
            source.config().moe().byLayer().forEach((layer, own) -> experts.put(layer, own.experts()));
            throw unprunable(source, "to different numbers of experts: " + experts + " by layer");
        }
    }

    private static RouterRule rule(MoeLayer mapped) {
        if (mapped.isZeroed()) {
            return RouterRule.ZERO;
        }
        return mapped.isMasked() ? RouterRule.MASK : RouterRule.MAP;
    }

    private static UserError unprunable(ModelFolder source, String how) {
        return UserError.input(
                source.dir() + " was pruned before, " + how,
                "Prune the model from which it was made, to fewer experts. To prune step by step, use --router collapse (for"
                        + " methods that merge) or slice (for methods that drop) in every step, and keep the same number of"
                        + " experts in every layer.");
    }

    /**
     * The configuration of the pruned model. It is uniform if all layers have the same number of experts and no router is
     * mapped, masked or zeroed.
     *
     * @throws UserError (usage) if the router rule cannot be used with this plan
     */
    public static ModelConfig prunedConfig(ModelConfig config, Plan plan, MergeOptions options) {
        options.router().check(plan);
        var layers = new TreeMap<Integer, MoeLayer>();
        for (int layer : plan.layers()) {
            layers.put(layer, options.router().layer(plan.layer(layer), plan.clusters(layer)));
        }
        return config.withMoeLayers(layers);
    }

    /** The clusters that must be merged; clusters of one expert are copied. */
    public static List<Merge> merges(Plan plan) {
        var merges = new ArrayList<Merge>();
        for (int layer : plan.layers()) {
            for (int cluster = 0; cluster < plan.clusters(layer); cluster++) {
                if (plan.members(layer, cluster).size() > 1) {
                    merges.add(new Merge(layer, cluster));
                }
            }
        }
        return merges;
    }

    /**
     * The tensors of the pruned model, in the order of the source. Uses the roles of tensors only.
     *
     * @throws UserError (usage) if the router rule cannot be used with this plan, (input) if the folder has other layers with
     *     experts or another number of experts than the plan, or a layer is incomplete
     */
    public static List<TensorSpec> prunedTensors(TensorFolder source, Plan plan, MergeOptions options)
            throws IOException {
        options.router().check(plan);
        checkLayers(source, plan);
        var pruned = new ArrayList<TensorSpec>();
        for (TensorSpec tensor : source.tensors()) {
            int layer = tensor.layer();
            if (tensor.role() == TensorRole.ROUTER) {
                MoeLayer own = options.router().layer(plan.layer(layer), plan.clusters(layer));
                pruned.add(tensor.with(own.routerRows(), options.dtype()));
            } else if (!tensor.role().isExpert() || tensor.expert() < plan.clusters(layer)) {
                pruned.add(tensor.with(options.dtype()));
            }
        }
        return pruned;
    }

    private static void checkLayers(TensorFolder source, Plan plan) throws IOException {
        String remedy = "Make a new plan for this model: run prune with the same options.";
        int[] layers = source.tensors().stream()
                .filter(tensor ->
                        tensor.role() == TensorRole.ROUTER || tensor.role().isExpert())
                .mapToInt(TensorSpec::layer)
                .distinct()
                .sorted()
                .toArray();
        if (!Arrays.equals(plan.layers(), layers)) {
            throw UserError.input(
                    "Plan " + plan.id() + " is for layers " + Arrays.toString(plan.layers()) + "; " + source.dir()
                            + " has experts in layers " + Arrays.toString(layers),
                    remedy);
        }
        for (int layer : layers) {
            LayerTensors tensors = LayerTensors.of(source, layer);
            int planned = plan.layer(layer).size();
            List<Integer> rows = tensors.routers().stream()
                    .map(router -> router.shape().get(0))
                    .distinct()
                    .toList();
            if (tensors.experts() != planned || !rows.equals(List.of(planned))) {
                throw UserError.input(
                        "Plan " + plan.id() + " is for E = " + planned + " experts in layer " + layer + "; "
                                + source.dir() + " has " + tensors.experts() + ", and routers of " + rows + " rows",
                        remedy);
            }
        }
    }

    /** Whether the plan changes shard {@code shard}, which contains block {@code shard}; otherwise it is copied. */
    public static boolean isTouched(Plan plan, int shard) {
        return Arrays.binarySearch(plan.layers(), shard) >= 0;
    }

    /**
     * Writes one shard of the pruned model. Uses memory for one expert tensor in double and for the router.
     *
     * @param alignments at least those of the shard's {@link #merges}; not used if experts are not to be aligned
     * @param target writer for the tensors of the pruned model ({@link #prunedTensors})
     * @return size and hashes of the shard, an argument of {@link ModelStaging#publish}
     * @throws IllegalArgumentException if an alignment is missing
     */
    public static Manifest.Entry assembleShard(
            TensorFolder source,
            Plan plan,
            MergeOptions options,
            int shard,
            Collection<NeuronAlignment> alignments,
            ShardWriter target)
            throws IOException {
        List<TensorSpec> tensors = target.shards().tensors(shard);
        if (!isTouched(plan, shard)) {
            return target.writeShard(shard, writer -> {
                for (TensorSpec tensor : tensors) {
                    source.copy(tensor.name(), writer, tensor.name());
                }
            });
        }
        LayerTensors layer = LayerTensors.of(source, shard);
        var clusters = new ArrayList<MergedExpert>();
        for (int cluster = 0; cluster < plan.clusters(shard); cluster++) {
            boolean aligned = options.align() && plan.members(shard, cluster).size() > 1;
            NeuronAlignment alignment =
                    aligned ? alignment(shard, cluster, alignments) : NeuronAlignment.none(plan, shard, cluster);
            clusters.add(new MergedExpert(source, layer, plan.members(shard, cluster), alignment));
        }
        return target.writeShard(shard, writer -> {
            var mean = WeightedMean.ofLargest(tensors);
            for (TensorSpec tensor : tensors) {
                if (tensor.role().isExpert()) {
                    MergedExpert expert = clusters.get(tensor.expert());
                    if (expert.isCopy()) {
                        source.copy(expert.original(tensor), writer, tensor.name());
                    } else {
                        writer.write(tensor.name(), expert.mean(tensor, mean));
                    }
                } else if (tensor.role() == TensorRole.ROUTER) {
                    writer.write(tensor.name(), router(source, tensor.name(), plan, options.router(), shard), 0);
                } else {
                    source.copy(tensor.name(), writer, tensor.name());
                }
            }
        });
    }

    private static NeuronAlignment alignment(int layer, int cluster, Collection<NeuronAlignment> alignments) {
        return alignments.stream()
                .filter(alignment -> alignment.layer() == layer && alignment.cluster() == cluster)
                .findFirst()
                .orElseThrow(() ->
                        new IllegalArgumentException("Cluster " + cluster + " of layer " + layer + " was not aligned"));
    }

    /** The values of a router tensor after the router rule. */
    static float[] router(TensorFolder source, String name, Plan plan, RouterRule rule, int layer) throws IOException {
        return rule.apply(source.read(name), plan.layer(layer), plan.clusters(layer));
    }
}

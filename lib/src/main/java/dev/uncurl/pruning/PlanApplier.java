package dev.uncurl.pruning;

import dev.uncurl.checkpoint.Manifest;
import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.checkpoint.ModelStaging;
import dev.uncurl.checkpoint.SafetensorsWriter;
import dev.uncurl.error.UserError;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeLayer;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Turns a plan into a model, in units of work that separate processes can do:
 *
 * <ol>
 *   <li>{@link #check}, and {@link ModelStaging#create} for {@link #prunedConfig};
 *   <li>{@link NeuronAlignment#align} for every one of {@link #merges}, if the experts are to be aligned: reads just those of one cluster;
 *   <li>{@link #assembleShard} for every shard: merged experts, new routers, and all else byte for byte;
 *   <li>{@link ModelStaging#publish}.
 * </ol>
 */
public final class PlanApplier {
    /** One cluster of several experts that has to be merged. */
    public record Merge(int layer, int cluster) implements java.io.Serializable {}

    private PlanApplier() {}

    /** @throws UserError (input) when the plan was made for another model, other layers or another number of experts */
    public static void check(ModelFolder source, Plan plan) {
        Plan.Origin origin = plan.origin();
        String remedy = "Plan again for this model.";
        checkPlain(source);
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
     * For whoever plans, too: a plan for another model would be in vain.
     *
     * @throws UserError (input) when the model's routers are mapped or masked (what its tables call experts are router rows), or
     *     its layers differ in experts (a plan knows one E)
     */
    public static void checkPlain(ModelFolder source) {
        for (var own : source.config().moe().byLayer().entrySet()) {
            MoeLayer layer = own.getValue();
            if (layer.isMapped()) {
                throw unprunable(
                        source,
                        "with the router rule " + (layer.isMasked() ? RouterRule.MASK : RouterRule.MAP).title()
                                + ": in layer " + own.getKey() + " " + layer.liveRows()
                                + (layer.isMasked() ? " of " + layer.routerRows() : "") + " router rows lead to "
                                + layer.experts() + " experts");
            }
        }
        if (!source.config().moe().byLayer().isEmpty()) {
            var experts = new TreeMap<Integer, Integer>();
            source.config().moe().byLayer().forEach((layer, own) -> experts.put(layer, own.experts()));
            throw unprunable(source, "to another number of experts in each layer: " + experts);
        }
    }

    private static UserError unprunable(ModelFolder source, String how) {
        return UserError.input(
                source.dir() + " was pruned before, " + how,
                "Prune the model that it comes from, to fewer experts; or to prune step by step, use --router collapse (for"
                        + " methods that merge) or slice (for methods that drop), and the same number of experts in every"
                        + " layer from the first.");
    }

    /**
     * The model's shape after pruning: a plain one where all layers end alike and no router is mapped or masked.
     *
     * @throws UserError (usage) when the router rule is not for such a plan
     */
    public static ModelConfig prunedConfig(ModelConfig config, Plan plan, MergeOptions application) {
        application.router().check(plan);
        var layers = new TreeMap<Integer, MoeLayer>();
        for (int layer : plan.layers()) {
            layers.put(layer, application.router().layer(plan.layer(layer), plan.clusters(layer)));
        }
        return config.withMoeLayers(layers);
    }

    /** The clusters that have to be merged; those of one expert are copied. */
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

    /** Whether a shard of a model has experts, and so is another one after pruning; else it is copied. */
    public static boolean isTouched(ModelFolder source, int shard) {
        return shard < source.config().layers() && source.config().isMoe(shard);
    }

    private static List<String> expertTensors(int layer, int expert) {
        return ParameterLayout.FEED_FORWARD.stream()
                .map(suffix -> ParameterLayout.expert(layer, expert) + suffix)
                .toList();
    }

    /**
     * Writes one shard of the pruned model. Of the weights this holds one tensor of an expert at a time, in double.
     *
     * @param placements of the shard's {@link #merges} at least, if experts are to be aligned; else they are not looked at
     * @return the entry, which may be handed to publish
     * @throws IllegalArgumentException when one is missing
     */
    public static Manifest.Entry assembleShard(
            ModelFolder source,
            Plan plan,
            MergeOptions application,
            int shard,
            Collection<NeuronAlignment> placements,
            ModelStaging staging)
            throws IOException {
        if (!isTouched(source, shard)) {
            return staging.writeShard(shard, writer -> {
                for (var tensor : staging.shards().tensors(shard)) {
                    source.copy(tensor.name(), writer, tensor.name());
                }
            });
        }
        Map<String, ExpertTensor> experts = new HashMap<>();
        for (int cluster = 0; cluster < plan.clusters(shard); cluster++) {
            boolean aligned =
                    application.align() && plan.members(shard, cluster).size() > 1;
            NeuronAlignment placement =
                    aligned ? placement(shard, cluster, placements) : NeuronAlignment.none(plan, shard, cluster);
            List<String> names = expertTensors(shard, cluster);
            for (int t = 0; t < names.size(); t++) {
                experts.put(names.get(t), new ExpertTensor(placement, t));
            }
        }
        ModelConfig config = source.config();
        return staging.writeShard(shard, writer -> {
            var mean = new WeightedMean(config.feedForward(), config.width());
            for (var tensor : staging.shards().tensors(shard)) {
                String name = tensor.name();
                ExpertTensor expert = experts.get(name);
                if (expert != null) {
                    expert.write(source, plan, mean, writer, name);
                } else if (name.equals(ParameterLayout.router(shard))) {
                    writer.write(name, router(source, plan, application.router(), shard), 0);
                } else {
                    source.copy(name, writer, name);
                }
            }
        });
    }

    private static NeuronAlignment placement(int layer, int cluster, Collection<NeuronAlignment> placements) {
        return placements.stream()
                .filter(placement -> placement.layer() == layer && placement.cluster() == cluster)
                .findFirst()
                .orElseThrow(() ->
                        new IllegalArgumentException("Cluster " + cluster + " of layer " + layer + " was not aligned"));
    }

    /**
     * One tensor of an expert of the pruned model: a copy, or the mean of those of the members of its cluster.
     *
     * @param tensor its number in {@link ParameterLayout#FEED_FORWARD}
     */
    private record ExpertTensor(NeuronAlignment placement, int tensor) {
        void write(ModelFolder source, Plan plan, WeightedMean mean, SafetensorsWriter writer, String name)
                throws IOException {
            List<ExpertAssignment> members = plan.members(placement.layer(), placement.cluster());
            if (members.size() == 1) {
                source.copy(name(members.get(0)), writer, name);
                return;
            }
            boolean hasNeurons = tensor < 3; // W1, b1 and W2; not b2
            mean.begin(tensor == 2 ? source.config().width() : 1);
            for (int m = 0; m < members.size(); m++) {
                double weight = members.get(m).weight();
                if (weight > 0) {
                    int[] places = hasNeurons ? placement.places()[m] : null;
                    source.read(name(members.get(m)), mean.member(weight, places));
                }
            }
            writer.write(name, mean.sum());
        }

        private String name(ExpertAssignment member) {
            return ParameterLayout.expert(placement.layer(), member.expert())
                    + ParameterLayout.FEED_FORWARD.get(tensor);
        }
    }

    /** What the rule makes of the router of a layer. */
    static float[] router(ModelFolder source, Plan plan, RouterRule rule, int layer) throws IOException {
        String name = ParameterLayout.router(layer);
        float[] router = new float[Math.toIntExact(source.layout().tensor(name).length())];
        source.read(name, router, 0);
        return rule.apply(router, plan.layer(layer), plan.clusters(layer));
    }
}

package dev.uncurl.pruning;

import dev.uncurl.checkpoint.Lineage;
import dev.uncurl.checkpoint.Manifest;
import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.checkpoint.ModelStaging;
import dev.uncurl.checkpoint.Safetensors;
import dev.uncurl.checkpoint.SafetensorsWriter;
import dev.uncurl.config.ModelConfig;
import dev.uncurl.config.MoeLayer;
import dev.uncurl.error.Refusal;
import dev.uncurl.model.ParameterLayout;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Turns a plan into a model, in units of work that separate processes can do:
 *
 * <ol>
 *   <li>{@link #check}, and {@link ModelStaging#create} for {@link #prunedConfig};
 *   <li>{@link #writePiece} for every one of {@link #merges}: reads just the experts of one cluster, aligns, merges;
 *   <li>{@link #assembleShard} for every shard: pieces, new routers, and all else byte for byte;
 *   <li>{@link ModelStaging#publish} with {@link #lineage}.
 * </ol>
 *
 * {@link #apply} does them in a row.
 */
public final class PlanApplication {
    /** One cluster of several experts that has to be merged. */
    public record Merge(int layer, int cluster) implements java.io.Serializable {
        String piece() {
            return layer + "-" + cluster;
        }
    }

    private PlanApplication() {}

    /** @throws Refusal (input) when the plan was made for another model, other layers or another number of experts */
    public static void check(ModelFolder source, Plan plan) {
        Plan.Origin origin = plan.origin();
        String remedy = "Plan again for this model.";
        checkPlain(source);
        if (!origin.manifestSha256().equals(source.manifestSha256())) {
            throw Refusal.input(
                    "Plan " + plan.id() + " was made for model " + origin.modelId() + " with manifest "
                            + origin.manifestSha256() + "; " + source.dir() + " has manifest "
                            + source.manifestSha256(),
                    remedy);
        }
        int experts = source.config().moe().experts();
        for (int layer : plan.layers()) {
            int planned = plan.layer(layer).size();
            if (source.config().isMoe(layer) && planned != experts) {
                throw Refusal.input(
                        "Plan " + plan.id() + " is for E = " + planned + " experts in layer " + layer + "; "
                                + source.dir() + " has E = " + experts,
                        remedy);
            }
        }
        if (!Arrays.equals(plan.layers(), source.config().moeLayers())) {
            throw Refusal.input(
                    "Plan " + plan.id() + " is for layers " + Arrays.toString(plan.layers()) + "; " + source.dir()
                            + " has experts in layers "
                            + Arrays.toString(source.config().moeLayers()),
                    remedy);
        }
    }

    /**
     * For whoever plans, too: a plan for another model would be in vain.
     *
     * @throws Refusal (input) when the model's routers are mapped (what its tables call experts are router rows), or its
     *     layers differ in experts (a plan knows one E)
     */
    public static void checkPlain(ModelFolder source) {
        for (var own : source.config().moe().byLayer().entrySet()) {
            MoeLayer layer = own.getValue();
            if (layer.isMapped()) {
                throw unprunable(
                        source,
                        "with the router rule map: in layer " + own.getKey() + " " + layer.routerRows()
                                + " router rows lead to " + layer.experts() + " experts");
            }
        }
        if (!source.config().moe().byLayer().isEmpty()) {
            var experts = new TreeMap<Integer, Integer>();
            source.config().moe().byLayer().forEach((layer, own) -> experts.put(layer, own.experts()));
            throw unprunable(source, "to another number of experts in each layer: " + experts);
        }
    }

    private static Refusal unprunable(ModelFolder source, String how) {
        return Refusal.input(
                source.dir() + " was pruned before, " + how, "Prune the model that it comes from, to fewer experts.");
    }

    /** The model's shape after pruning: a plain one where all layers end alike and no router is mapped. */
    public static ModelConfig prunedConfig(ModelConfig config, Plan plan, Application application) {
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

    /**
     * Reads the experts of one cluster, beside the reference as many at a time as a task has threads, and merges them.
     *
     * @throws Refusal as {@link ExpertMerge}
     */
    public static Expert mergeCluster(ModelFolder source, Plan plan, Application application, int layer, int cluster)
            throws IOException {
        List<Assignment> members = plan.members(layer, cluster);
        int referenceId = members.stream()
                .filter(Assignment::isReference)
                .findFirst()
                .orElseThrow()
                .expert();
        Expert reference = Expert.read(source, layer, referenceId);
        List<Assignment> counted =
                members.stream().filter(member -> member.weight() > 0).toList();
        try (var merge = new ExpertMerge(reference, application.align())) {
            for (int from = 0; from < counted.size(); from += merge.sideBySide()) {
                var experts = new ArrayList<Expert>();
                var some = counted.subList(from, Math.min(from + merge.sideBySide(), counted.size()));
                for (Assignment member : some) {
                    boolean isReference = member.expert() == referenceId;
                    experts.add(isReference ? reference : Expert.read(source, layer, member.expert()));
                }
                merge.add(experts, some.stream().mapToDouble(Assignment::weight).toArray());
            }
            return merge.merged();
        }
    }

    /** {@link #mergeCluster}, written as a piece into the staging folder. */
    public static void writePiece(
            ModelFolder source, Plan plan, Application application, Merge merge, ModelStaging staging)
            throws IOException {
        Expert merged = mergeCluster(source, plan, application, merge.layer(), merge.cluster());
        var declarations = new ArrayList<SafetensorsWriter.Declaration>();
        for (String name : expertTensors(merge.layer(), merge.cluster())) {
            declarations.add(new SafetensorsWriter.Declaration(
                    name, staging.shards().layout().tensor(name).shape()));
        }
        staging.writePiece(merge.piece(), declarations, writer -> {
            for (int t = 0; t < declarations.size(); t++) {
                writer.write(declarations.get(t).name(), merged.tensors().get(t), 0);
            }
        });
    }

    private static List<String> expertTensors(int layer, int expert) {
        return ParameterLayout.FEED_FORWARD.stream()
                .map(suffix -> ParameterLayout.expert(layer, expert) + suffix)
                .toList();
    }

    /** Writes one shard of the pruned model; its pieces must be there. The entry may be handed to publish. */
    public static Manifest.Entry assembleShard(
            ModelFolder source, Plan plan, Application application, int shard, ModelStaging staging)
            throws IOException {
        boolean touched = shard < source.config().layers() && source.config().isMoe(shard);
        if (!touched) {
            return staging.writeShard(shard, writer -> {
                for (var tensor : staging.shards().tensors(shard)) {
                    source.copy(tensor.name(), writer, tensor.name());
                }
            });
        }
        Map<String, String> copied = new HashMap<>();
        Map<String, Safetensors> merged = new HashMap<>();
        for (int cluster = 0; cluster < plan.clusters(shard); cluster++) {
            var members = plan.members(shard, cluster);
            List<String> names = expertTensors(shard, cluster);
            if (members.size() == 1) {
                List<String> from = expertTensors(shard, members.get(0).expert());
                for (int t = 0; t < names.size(); t++) {
                    copied.put(names.get(t), from.get(t));
                }
            } else {
                Safetensors piece = staging.piece(new Merge(shard, cluster).piece());
                names.forEach(name -> merged.put(name, piece));
            }
        }
        return staging.writeShard(shard, writer -> {
            for (var tensor : staging.shards().tensors(shard)) {
                String name = tensor.name();
                if (name.equals(ParameterLayout.router(shard))) {
                    writer.write(name, router(source, plan, application.router(), shard), 0);
                } else if (merged.containsKey(name)) {
                    merged.get(name).copy(name, writer, name);
                } else {
                    source.copy(copied.getOrDefault(name, name), writer, name);
                }
            }
        });
    }

    /** What the rule makes of the router of a layer. */
    static float[] router(ModelFolder source, Plan plan, RouterRule rule, int layer) throws IOException {
        String name = ParameterLayout.router(layer);
        float[] router = new float[Math.toIntExact(source.layout().tensor(name).length())];
        source.read(name, router, 0);
        return rule.apply(router, plan.layer(layer), plan.clusters(layer));
    }

    /** The lineage of the pruned model: the plan, its model and everything that determined it. */
    public static Lineage lineage(Plan plan, Application application, String command, String backend) {
        Plan.Origin origin = plan.origin();
        var inputs = new TreeMap<>(origin.inputs());
        inputs.put("plan", plan.id());
        inputs.put("parent-manifest-sha256", origin.manifestSha256());
        inputs.put("task", origin.task());
        inputs.put("method", origin.method());
        inputs.put("experts-before", Integer.toString(origin.expertsBefore()));
        inputs.put("experts-after", Integer.toString(origin.expertsAfter()));
        inputs.put("seed", Long.toString(origin.seed()));
        inputs.put("router", application.router().title());
        inputs.put("align", Boolean.toString(application.align()));
        return Lineage.here(origin.modelId(), "prune", inputs, command, backend);
    }

    /** Applies a plan in this process and publishes the pruned model at {@code dir}. */
    public static ModelFolder apply(
            ModelFolder source, Plan plan, Application application, FileSystem fs, Path dir, Lineage lineage)
            throws IOException {
        check(source, plan);
        ModelStaging staging = ModelStaging.create(fs, dir, prunedConfig(source.config(), plan, application));
        try {
            for (Merge merge : merges(plan)) {
                writePiece(source, plan, application, merge, staging);
            }
            var entries = new HashMap<Integer, Manifest.Entry>();
            for (int shard = 0; shard < staging.shards().count(); shard++) {
                entries.put(shard, assembleShard(source, plan, application, shard, staging));
            }
            return staging.publish(lineage, entries);
        } catch (IOException | RuntimeException e) {
            staging.discard();
            throw e;
        }
    }
}

package dev.uncurl.pruning;

import dev.uncurl.error.UserError;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinTask;

/** Plans a whole model from evidence alone: no weights are read. */
public final class Planner {
    private Planner() {}

    /** As below, with the same K in every layer and the method's own weights. */
    public static Plan plan(
            String modelId,
            String manifestSha256,
            String task,
            BuiltInMethods method,
            List<LayerStatistics> evidence,
            int keep,
            long seed,
            Map<String, String> inputs) {
        return plan(modelId, manifestSha256, task, PlanSettings.of(method, keep, seed), evidence, inputs);
    }

    /**
     * @param modelId as in models.registry
     * @param manifestSha256 of the model's manifest
     * @param evidence of every layer that has experts
     * @param inputs what else is to be remembered and is to change the plan's id, such as the split; the settings and the
     *     evidence's own hash are added
     * @throws UserError (usage) when a K is not between 1 and E, (input) when the evidence does not hold together or is not
     *     enough for the method
     */
    public static Plan plan(
            String modelId,
            String manifestSha256,
            String task,
            PlanSettings settings,
            List<LayerStatistics> evidence,
            Map<String, String> inputs) {
        List<LayerStatistics> layers = ordered(evidence, modelId, task);
        SortedMap<Integer, Integer> clusters = settings.budget().clusters(layers);
        // computed in parallel, collected in the order of the layers: if several fail, the first layer's error is
        // thrown
        List<ForkJoinTask<List<ExpertAssignment>>> tasks = layers.stream()
                .map(layer -> ForkJoinPool.commonPool()
                        .submit(() -> assignments(layer, clusters.get(layer.layer()), settings)))
                .toList();
        var assignments =
                tasks.stream().map(ForkJoinTask::join).flatMap(List::stream).toList();
        var all = new TreeMap<>(inputs);
        all.putAll(settings.parameters());
        all.put("evidence-sha256", hash(layers));
        var origin = new Plan.Origin(
                modelId,
                manifestSha256,
                task,
                settings.method().id(),
                layers.get(0).experts(),
                settings.budget().keep(),
                settings.seed(),
                all);
        return new Plan(origin, assignments);
    }

    private static List<LayerStatistics> ordered(List<LayerStatistics> evidence, String modelId, String task) {
        if (evidence.isEmpty()) {
            throw UserError.input(
                    "There are no router logits of model " + modelId + " on task " + task,
                    "Run dump-logits for this model and task first.");
        }
        var layers = new ArrayList<>(evidence);
        layers.sort(Comparator.comparingInt(LayerStatistics::layer));
        int experts = layers.get(0).experts();
        int previous = -1;
        for (LayerStatistics layer : layers) {
            if (layer.experts() != experts || layer.layer() == previous) {
                throw UserError.input(
                        "The router logits of model " + modelId + " on task " + task + " do not fit together at layer "
                                + layer.layer(),
                        "Dump the router logits again.");
            }
            previous = layer.layer();
        }
        return layers;
    }

    private static List<ExpertAssignment> assignments(LayerStatistics layer, int keep, PlanSettings settings) {
        int[] labels;
        try {
            labels = settings.method().assignClusters(layer, keep, settings.seed());
        } catch (UserError userError) {
            throw userError.at("Layer " + layer.layer());
        }
        int most = settings.budget().maxCluster();
        return LayerPlan.rows(
                layer, most == 0 ? labels : ClusterLimit.limited(layer, labels, most), settings.weights());
    }

    private static String hash(List<LayerStatistics> layers) {
        try {
            var digest = MessageDigest.getInstance("SHA-256");
            for (LayerStatistics layer : layers) {
                var bytes = new ByteArrayOutputStream();
                var out = new DataOutputStream(bytes);
                out.writeInt(layer.layer());
                out.writeLong(layer.gram().tokens());
                for (double value : layer.gram().gram()) {
                    out.writeDouble(value);
                }
                for (int expert = 0; expert < layer.experts(); expert++) {
                    out.writeLong(layer.statistics().choices(expert));
                    out.writeDouble(layer.statistics().gateMass(expert));
                    out.writeDouble(layer.statistics().contribution(expert));
                }
                if (layer.outputs().isPresent()) {
                    out.writeLong(layer.outputs().get().tokens());
                    for (double value : layer.outputs().get().gram()) {
                        out.writeDouble(value);
                    }
                }
                digest.update(bytes.toByteArray());
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java has SHA-256", e);
        }
    }
}

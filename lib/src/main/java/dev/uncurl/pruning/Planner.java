package dev.uncurl.pruning;

import dev.uncurl.error.UserError;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinTask;
import org.apache.commons.codec.digest.DigestUtils;

/** Makes the plan of a whole model from routing statistics; reads no weights. */
public final class Planner {
    private Planner() {}

    /**
     * @param modelId as in models.registry
     * @param manifestSha256 of the model's manifest
     * @param statistics of every layer that has experts
     * @param inputs further inputs that become part of the plan and of its id, such as the split; the settings and the hash
     *     of the statistics are added
     * @throws UserError (usage) if a K is not between 1 and E, (input) if the statistics of the layers are inconsistent or
     *     insufficient for the method
     */
    public static Plan plan(
            String modelId,
            String manifestSha256,
            String task,
            PlanSettings settings,
            List<LayerStatistics> statistics,
            Map<String, String> inputs) {
        List<LayerStatistics> layers = ordered(statistics, modelId, task);
        SortedMap<Integer, Integer> clusters = settings.budget().clusters(layers);
        // in parallel, but joined in the order of the layers: if several layers fail, the error of the first is
        // reported
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

    private static List<LayerStatistics> ordered(List<LayerStatistics> statistics, String modelId, String task) {
        if (statistics.isEmpty()) {
            throw UserError.input(
                    "There are no router logits of model " + modelId + " on task " + task,
                    "Run dump-logits for this model and task first.");
        }
        var layers = new ArrayList<>(statistics);
        layers.sort(Comparator.comparingInt(LayerStatistics::layer));
        int experts = layers.get(0).experts();
        int previous = -1;
        for (LayerStatistics layer : layers) {
            if (layer.experts() != experts || layer.layer() == previous) {
                throw UserError.input(
                        "The router logits of model " + modelId + " on task " + task + " are inconsistent at layer "
                                + layer.layer(),
                        "Dump the router logits again.");
            }
            previous = layer.layer();
        }
        return layers;
    }

    private static List<ExpertAssignment> assignments(LayerStatistics layer, int clusters, PlanSettings settings) {
        int[] labels;
        try {
            labels = settings.method().assignClusters(layer, clusters, settings.seed());
        } catch (UserError e) {
            throw e.at("Layer " + layer.layer());
        }
        int maxSize = settings.budget().maxCluster();
        return LayerPlan.rows(
                layer, maxSize == 0 ? labels : ClusterLimit.limited(layer, labels, maxSize), settings.weights());
    }

    private static String hash(List<LayerStatistics> layers) {
        var bytes = new ByteArrayOutputStream();
        try (var out = new DataOutputStream(bytes)) {
            for (LayerStatistics layer : layers) {
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
            }
            return DigestUtils.sha256Hex(bytes.toByteArray());
        } catch (IOException e) {
            throw new UncheckedIOException("hashing routing statistics in memory", e);
        }
    }
}

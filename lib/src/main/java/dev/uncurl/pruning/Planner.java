package dev.uncurl.pruning;

import dev.uncurl.error.Refusal;
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
import java.util.TreeMap;

/** Plans a whole model from evidence alone: no weights are read. */
public final class Planner {
    private Planner() {}

    /**
     * The same K in every layer.
     *
     * @param modelId as in models.registry
     * @param manifestSha256 of the model's manifest
     * @param evidence of every layer that has experts
     * @param inputs what else is to be remembered, such as the snapshots of the tables read; the evidence's own hash is
     *     added
     * @throws Refusal (usage) when K is not between 1 and E, (input) when the evidence does not hold together
     */
    public static Plan plan(
            String modelId,
            String manifestSha256,
            String task,
            PruningMethods method,
            List<LayerEvidence> evidence,
            int keep,
            long seed,
            Map<String, String> inputs) {
        if (evidence.isEmpty()) {
            throw Refusal.input(
                    "There are no router logits of model " + modelId + " on task " + task,
                    "Run dump-logits for this model and task first.");
        }
        int experts = evidence.get(0).experts();
        PruningMethods.checkKeep(keep, experts);
        var layers = new ArrayList<>(evidence);
        layers.sort(Comparator.comparingInt(LayerEvidence::layer));
        var assignments = new ArrayList<Assignment>();
        int previous = -1;
        for (LayerEvidence layer : layers) {
            if (layer.experts() != experts || layer.layer() == previous) {
                throw Refusal.input(
                        "The router logits of model " + modelId + " on task " + task + " do not fit together at layer "
                                + layer.layer(),
                        "Dump the router logits again.");
            }
            previous = layer.layer();
            assignments.addAll(method.assign(layer, keep, seed));
        }
        var all = new TreeMap<>(inputs);
        all.put("evidence-sha256", hash(layers));
        var origin = new Plan.Origin(modelId, manifestSha256, task, method.title(), experts, keep, seed, all);
        return new Plan(origin, assignments);
    }

    private static String hash(List<LayerEvidence> layers) {
        try {
            var digest = MessageDigest.getInstance("SHA-256");
            for (LayerEvidence layer : layers) {
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

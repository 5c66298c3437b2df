package dev.uncurl.pruning;

import dev.uncurl.error.UserError;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What becomes of every expert of a model, and why: the rows of table pruning.assignments and everything that
 * determined them.
 *
 * @param assignments by layer and expert, ascending
 */
public record Plan(Origin origin, List<ExpertAssignment> assignments) implements Serializable {
    /**
     * Everything that determined a plan.
     *
     * @param modelId as in models.registry
     * @param manifestSha256 of the model that the plan is for
     * @param task whose router logits were looked at
     * @param method name of a {@link BuiltInMethods}
     * @param experts E, of each layer of the model
     * @param keep K, experts to keep in each layer or on average, as asked for; how many clusters a layer gets
     *     ({@link Plan#clusters}) also depends on the budget and its exceptions
     * @param inputs the rest: snapshots of the tables read, the evidence's hash
     */
    public record Origin(
            String modelId,
            String manifestSha256,
            String task,
            String method,
            int experts,
            int keep,
            long seed,
            SortedMap<String, String> inputs)
            implements Serializable {
        public Origin {
            inputs = Collections.unmodifiableSortedMap(new TreeMap<>(inputs));
        }
    }

    /** @throws UserError (input) when the rows do not describe whole clusters in every layer */
    public Plan {
        assignments = List.copyOf(assignments);
        var layers = new TreeMap<Integer, List<ExpertAssignment>>();
        for (ExpertAssignment row : assignments) {
            layers.computeIfAbsent(row.layer(), layer -> new ArrayList<>()).add(row);
        }
        for (List<ExpertAssignment> rows : layers.values()) {
            checkLayer(origin, rows);
        }
    }

    private static void checkLayer(Origin origin, List<ExpertAssignment> rows) {
        int layer = rows.get(0).layer();
        double[] weights = new double[rows.size()];
        int[] references = new int[rows.size()];
        int next = 0;
        for (int e = 0; e < rows.size(); e++) {
            ExpertAssignment row = rows.get(e);
            if (row.expert() != e || row.cluster() < ExpertAssignment.DROPPED || row.cluster() > next) {
                throw refused(layer, "expert " + row.expert() + " in cluster " + row.cluster() + " is out of order");
            }
            if (!(row.weight() >= 0) || (row.isDropped() && (row.weight() != 0 || row.isReference()))) {
                throw refused(layer, "expert " + e + " has weight " + row.weight());
            }
            if (row.isDropped()) {
                continue;
            }
            next = Math.max(next, row.cluster() + 1);
            weights[row.cluster()] += row.weight();
            references[row.cluster()] += row.isReference() ? 1 : 0;
        }
        if (rows.size() != origin.experts() || next == 0) {
            throw refused(layer, rows.size() + " of " + origin.experts() + " experts in " + next + " clusters");
        }
        for (int c = 0; c < next; c++) {
            if (Math.abs(weights[c] - 1) > 1e-9 || references[c] != 1) {
                throw refused(
                        layer,
                        "cluster " + c + " has weights of sum " + weights[c] + " and " + references[c] + " references");
            }
        }
    }

    private static UserError refused(int layer, String what) {
        return UserError.input("Not a pruning plan: layer " + layer + ", " + what, "Plan again.");
    }

    /** Names the plan's content: 32 hexadecimal digits of the SHA-256 of its origin and its rows. */
    public String id() {
        var bytes = new ByteArrayOutputStream();
        try (var out = new DataOutputStream(bytes)) {
            text(out, origin.modelId);
            text(out, origin.manifestSha256);
            text(out, origin.task);
            text(out, origin.method);
            out.writeInt(origin.experts);
            out.writeInt(origin.keep);
            out.writeLong(origin.seed);
            for (var input : origin.inputs.entrySet()) {
                text(out, input.getKey());
                text(out, input.getValue());
            }
            for (ExpertAssignment row : assignments) {
                out.writeInt(row.layer());
                out.writeInt(row.expert());
                out.writeInt(row.cluster());
                out.writeDouble(row.weight());
                out.writeBoolean(row.isReference());
            }
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes.toByteArray());
            return HexFormat.of().formatHex(digest, 0, 16);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java has SHA-256", e);
        }
    }

    private static void text(DataOutputStream out, String text) throws IOException {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        out.writeInt(utf8.length);
        out.write(utf8);
    }

    /** The layers planned for, ascending. */
    public int[] layers() {
        return assignments.stream().mapToInt(ExpertAssignment::layer).distinct().toArray();
    }

    /** How many clusters a layer has: the experts of the pruned layer. */
    public int clusters(int layer) {
        return assignments.stream()
                        .filter(row -> row.layer() == layer)
                        .mapToInt(ExpertAssignment::cluster)
                        .max()
                        .orElse(ExpertAssignment.DROPPED)
                + 1;
    }

    /** One row per expert of the layer, ascending. */
    public List<ExpertAssignment> layer(int layer) {
        return assignments.stream().filter(row -> row.layer() == layer).toList();
    }

    /** The experts that make up one cluster, ascending. */
    public List<ExpertAssignment> members(int layer, int cluster) {
        return assignments.stream()
                .filter(row -> row.layer() == layer && row.cluster() == cluster)
                .toList();
    }
}

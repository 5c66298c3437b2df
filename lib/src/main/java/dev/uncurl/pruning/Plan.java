package dev.uncurl.pruning;

import dev.uncurl.error.UserError;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.commons.codec.digest.DigestUtils;

/**
 * A pruning plan: a cluster or a drop for every expert of a model (the rows of table pruning.assignments), and everything that
 * determined it.
 *
 * @param assignments sorted by layer and expert, ascending
 */
public record Plan(Origin origin, List<ExpertAssignment> assignments) implements Serializable {
    /**
     * Everything that determined a plan.
     *
     * @param modelId as in models.registry
     * @param manifestSha256 of the model for which the plan was made
     * @param task whose router logits were used
     * @param method name of a {@link BuiltInMethods}
     * @param experts E, of each layer of the model
     * @param keep K, the requested number of experts to keep in each layer, or on average. The number of clusters of a layer
     *     ({@link Plan#clusters}) also depends on the budget and its exceptions
     * @param inputs everything else, such as the split, the plan settings and the hash of the routing statistics
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

    /** @throws UserError (input) if the rows of a layer do not form complete clusters */
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
        int clusters = 0;
        for (int e = 0; e < rows.size(); e++) {
            ExpertAssignment row = rows.get(e);
            if (row.expert() != e || row.cluster() < ExpertAssignment.DROPPED || row.cluster() > clusters) {
                throw invalid(layer, "expert " + row.expert() + " in cluster " + row.cluster() + " is out of order");
            }
            if (!(row.weight() >= 0) || (row.isDropped() && (row.weight() != 0 || row.isReference()))) {
                throw invalid(layer, "expert " + e + " has weight " + row.weight());
            }
            if (row.isDropped()) {
                continue;
            }
            clusters = Math.max(clusters, row.cluster() + 1);
            weights[row.cluster()] += row.weight();
            references[row.cluster()] += row.isReference() ? 1 : 0;
        }
        if (rows.size() != origin.experts() || clusters == 0) {
            throw invalid(layer, rows.size() + " of " + origin.experts() + " experts in " + clusters + " clusters");
        }
        for (int c = 0; c < clusters; c++) {
            if (Math.abs(weights[c] - 1) > 1e-9 || references[c] != 1) {
                throw invalid(
                        layer,
                        "the weights of cluster " + c + " sum to " + weights[c] + ", and it has " + references[c]
                                + " references");
            }
        }
    }

    private static UserError invalid(int layer, String what) {
        return UserError.input("Not a valid pruning plan: layer " + layer + ", " + what, "Run prune again.");
    }

    /** The first 32 hexadecimal digits of the SHA-256 of the origin and the rows. */
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
            return DigestUtils.sha256Hex(bytes.toByteArray()).substring(0, 32);
        } catch (IOException e) {
            throw new UncheckedIOException("hashing a plan in memory", e);
        }
    }

    private static void text(DataOutputStream out, String text) throws IOException {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        out.writeInt(utf8.length);
        out.write(utf8);
    }

    /** The layers with experts, ascending. */
    public int[] layers() {
        return assignments.stream().mapToInt(ExpertAssignment::layer).distinct().toArray();
    }

    /** Number of clusters of a layer, that is of experts of the pruned layer. */
    public int clusters(int layer) {
        return assignments.stream()
                        .filter(row -> row.layer() == layer)
                        .mapToInt(ExpertAssignment::cluster)
                        .max()
                        .orElse(ExpertAssignment.DROPPED)
                + 1;
    }

    /** The rows of a layer, one per expert, ascending. */
    public List<ExpertAssignment> layer(int layer) {
        return assignments.stream().filter(row -> row.layer() == layer).toList();
    }

    /** The members of a cluster, ascending. */
    public List<ExpertAssignment> members(int layer, int cluster) {
        return assignments.stream()
                .filter(row -> row.layer() == layer && row.cluster() == cluster)
                .toList();
    }
}

package dev.uncurl.jobs.routing;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.jobs.warehouse.CorpusRun;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.Serializable;
import org.apache.commons.codec.digest.DigestUtils;

/**
 * Everything that determines the rows of a dump: columns of routing.gram and routing.output_gram.
 *
 * @param data the tokenise run of the sequences
 * @param sample "all", or the size of the sample in tokens
 */
public record RoutingKey(String modelId, String task, String split, String manifestSha256, String data, String sample)
        implements Serializable {
    /** @param tokens size of the sample, 0 for all */
    static RoutingKey of(String modelId, ModelFolder model, String task, String split, CorpusRun run, long tokens) {
        return new RoutingKey(
                modelId,
                task,
                split,
                model.manifestSha256(),
                CorpusRun.ids(java.util.List.of(run)),
                tokens > 0 ? Long.toString(tokens) : "all");
    }

    /** Partition columns and their values, as {@link Warehouse#rows} and {@link Warehouse#replace} take them. */
    Object[] partition() {
        return new Object[] {"model_id", modelId, "task", task, "split", split};
    }

    /** A short hash of all parts; the names of the dump's data files begin with it. */
    String id() {
        String parts = String.join("\n", modelId, task, split, manifestSha256, data, sample);
        return DigestUtils.sha256Hex(parts).substring(0, 12);
    }

    /** The command that makes this dump from the present model and data, as the remedy of an error. */
    String again() {
        return "Run dump-logits --model " + modelId + " --task " + task + " --split " + split
                + (sample.equals("all") ? "" : " --tokens " + sample) + ".";
    }

    @Override
    public String toString() {
        return modelId + " on " + task + " (" + split + ")";
    }
}

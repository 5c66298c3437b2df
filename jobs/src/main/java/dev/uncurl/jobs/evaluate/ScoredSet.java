package dev.uncurl.jobs.evaluate;

import static org.apache.spark.sql.functions.col;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.ResultRow;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * The results of one model on one set of examples.
 *
 * @param promptVersion null for sequences
 * @param metrics names of its metrics
 */
record ScoredSet(
        String modelId,
        String sha256,
        String task,
        String split,
        String data,
        String promptVersion,
        Set<String> metrics) {

    /** @param results the rows of one model */
    static ScoredSet of(List<ResultRow> results) {
        ResultRow any = results.get(0);
        return new ScoredSet(
                any.modelId(),
                any.manifestSha256(),
                any.task(),
                any.split(),
                any.data(),
                any.promptVersion().orElse(null),
                results.stream().map(ResultRow::metric).collect(Collectors.toSet()));
    }

    /** Its rows of evaluation.examples. */
    Dataset<Row> examples(Warehouse warehouse) {
        return warehouse
                .rows(UncurlTable.SCORED, "model_id", modelId, "task", task, "split", split)
                .where(col("manifest_sha256").equalTo(sha256))
                .where(col("data").equalTo(data))
                .where(col("prompt_version").eqNullSafe(promptVersion));
    }

    boolean isOnSameData(ScoredSet other) {
        return data.equals(other.data) && Objects.equals(promptVersion, other.promptVersion);
    }

    /** @throws UserError (input) if the other was scored on other data or with other prompts */
    void requireSameData(ScoredSet other) {
        if (!isOnSameData(other)) {
            throw UserError.input(
                    "Models " + modelId + " and " + other.modelId + " cannot be compared on " + task
                            + ": they were scored on "
                            + data + " (prompts " + promptVersion + ") and on " + other.data + " (prompts "
                            + other.promptVersion + ")",
                    "Run evaluate again for both of them, with the same --limit.");
        }
    }
}

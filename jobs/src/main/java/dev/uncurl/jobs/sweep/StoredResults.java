package dev.uncurl.jobs.sweep;

import static org.apache.spark.sql.functions.col;

import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** What evaluation.results has of a model, its plans and the models made of it in one split: the losses. */
final class StoredResults {
    /** The metric that every evaluation has. */
    private static final String METRIC = "loss_per_token";

    private record ResultLoss(
            String modelId, String task, String manifestSha256, String data, double value, double standardError) {}

    /** The columns that say what rows are results of. */
    private record Key(String modelId, String task, String data) {}

    /**
     * A loss per token.
     *
     * @param sha256 of what it is the loss of
     */
    record Loss(String sha256, double value, double standardError) {}

    private final Map<Key, Loss> losses = new HashMap<>();
    private final int limit;

    private StoredResults(int limit) {
        this.limit = limit;
    }

    /** @param limit the most examples, 0 for all */
    static StoredResults of(Warehouse warehouse, String modelId, String split, int limit) {
        var rows = warehouse
                .rows(UncurlTable.RESULTS, "split", split, "metric", METRIC)
                .where(col("model_id").startsWith(modelId))
                .where(col("examples_cut").isNotNull()); // evaluate makes rows of early releases anew
        var results = new StoredResults(limit);
        for (ResultLoss row : Records.read(rows, ResultLoss.class)) {
            results.losses.put(
                    new Key(row.modelId, row.task, row.data),
                    new Loss(row.manifestSha256, row.value, row.standardError));
        }
        return results;
    }

    /** @param id model_id of the rows */
    Optional<Loss> loss(String id, SweptTask task) {
        String data = task.data() + (limit > 0 ? " first " + limit : "");
        Loss loss = losses.get(new Key(id, task.name(), data));
        return Optional.ofNullable(
                loss != null
                        ? loss
                        : losses.get(new Key(id, task.name(), data + " in all"))); // a name with several tasks
    }

    /** @param sha256 of the model, or of plan and model */
    boolean have(String id, String sha256, SweptTask task) {
        return loss(id, task).filter(loss -> loss.sha256.equals(sha256)).isPresent();
    }
}

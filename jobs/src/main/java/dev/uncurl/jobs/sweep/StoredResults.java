package dev.uncurl.jobs.sweep;

import static org.apache.spark.sql.functions.col;

import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.util.HashSet;
import java.util.Set;

/** What evaluation.results has of a model and its plans in one split: the keys of its rows. */
final class StoredResults {
    /** The columns that say what rows are results of. */
    private record Key(String modelId, String task, String manifestSha256, String data) {}

    private final Set<Key> keys;
    private final int limit;

    private StoredResults(Set<Key> keys, int limit) {
        this.keys = keys;
        this.limit = limit;
    }

    /** @param limit the most examples, 0 for all */
    static StoredResults of(Warehouse warehouse, String modelId, String split, int limit) {
        var rows = warehouse
                .rows(UncurlTable.RESULTS, "split", split)
                .where(col("model_id").equalTo(modelId).or(col("model_id").startsWith(modelId + "+")))
                .where(col("examples_cut").isNotNull()) // evaluate makes rows of early releases anew
                .select(Records.columns(Key.class))
                .distinct();
        return new StoredResults(new HashSet<>(Records.read(rows, Key.class)), limit);
    }

    /**
     * @param id model_id of the rows
     * @param sha256 of the model, or of plan and model
     */
    boolean have(String id, String sha256, SweptTask task) {
        String data = task.data() + (limit > 0 ? " first " + limit : "");
        return keys.contains(new Key(id, task.name(), sha256, data))
                || keys.contains(new Key(id, task.name(), sha256, data + " in all")); // of a name with several tasks
    }
}

package dev.uncurl.jobs;

import dev.uncurl.checkpoint.Lineage;
import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.config.ModelConfig;
import dev.uncurl.config.Settings;
import dev.uncurl.error.Refusal;
import dev.uncurl.model.ParameterLayout;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;

/** Finished models: folders under models/ and their rows in models.registry. The folder comes first, the row last. */
final class Models {
    private final Warehouse warehouse;

    Models(Warehouse warehouse) {
        this.warehouse = warehouse;
    }

    /**
     * The folder of a registered model.
     *
     * @throws Refusal (input) when there is none or it is not whole
     */
    ModelFolder open(String modelId) {
        Path folder = warehouse.modelFolder(modelId);
        try {
            if (!warehouse.files().exists(folder)) {
                throw missing(modelId, folder);
            }
            return ModelFolder.open(warehouse.files(), folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Refusal missing(String modelId, Path folder) {
        List<Row> registered = warehouse.table(Tables.REGISTRY).collectAsList();
        if (registered.stream().anyMatch(row -> modelId.equals(row.getAs("model_id")))) {
            return Refusal.input(
                    "Model " + modelId + " is registered, but its folder " + folder + " is gone",
                    "Restore the folder from a copy of the warehouse, or run the command that made the model again.");
        }
        String known = registered.stream()
                .map(row -> row.<String>getAs("model_id"))
                .filter(this::hasFolder)
                .sorted()
                .collect(Collectors.joining(", "));
        return Refusal.input(
                "There is no model " + modelId + " in " + folder.getParent(),
                known.isEmpty() ? "Make one with pretrain." : "Known models: " + known + ".");
    }

    private boolean hasFolder(String modelId) {
        try {
            return warehouse.files().exists(warehouse.modelFolder(modelId));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Whether a model that was made from exactly these inputs is there already; to be called by whoever holds its name. A folder without its row (a run that
     * was killed between the two) gets the row.
     *
     * @throws Refusal (conflict) when a model of that name was made from other inputs
     */
    boolean isMade(String modelId, Map<String, String> inputs) {
        Path folder = warehouse.modelFolder(modelId);
        try {
            if (!warehouse.files().exists(folder)) {
                removeLeftovers(folder);
                return false;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        ModelFolder model = open(modelId);
        Map<String, String> made = model.manifest().lineage().inputs();
        if (!made.equals(new TreeMap<>(inputs))) {
            throw Refusal.conflict(
                    "Model " + modelId + " exists and was made from other inputs:" + Inputs.differences(made, inputs),
                    "Choose another name, or delete " + folder + " to make it anew.");
        }
        register(modelId, model);
        System.out.println("Model " + modelId + " is there already, made from the same inputs: reused.");
        return true;
    }

    /** Removes what killed writers of this model left behind; where a hold guards the name, no other can be at work. */
    private void removeLeftovers(Path folder) throws IOException {
        Pattern staging = Pattern.compile("\\." + Pattern.quote(folder.getName()) + "\\.[0-9a-f-]{36}\\.tmp");
        if (warehouse.canHold() && warehouse.files().exists(folder.getParent())) {
            for (FileStatus status : warehouse.files().listStatus(folder.getParent())) {
                if (staging.matcher(status.getPath().getName()).matches()) {
                    warehouse.files().delete(status.getPath(), true);
                }
            }
        }
    }

    /** Writes the row of a published folder, unless it is there. */
    void register(String modelId, ModelFolder model) {
        String sha = model.manifestSha256();
        boolean known = !warehouse
                .rows(Tables.REGISTRY, "model_id", modelId, "manifest_sha256", sha)
                .isEmpty();
        if (known) {
            return;
        }
        ModelConfig config = model.config();
        Lineage lineage = model.manifest().lineage();
        Row row = RowFactory.create(
                modelId,
                lineage.parentModelId(),
                lineage.stage(),
                scala.collection.JavaConverters.mapAsScalaMap(lineage.inputs()),
                Settings.json(config),
                model.dir().toString(),
                sha,
                model.layout().length(),
                ParameterLayout.activeParameters(config),
                model.bytes(),
                Timestamp.from(Instant.now()));
        var schema = warehouse.table(Tables.REGISTRY).schema();
        warehouse.replace(
                Tables.REGISTRY, warehouse.spark().createDataFrame(List.of(row), schema), "model_id", modelId);
    }
}

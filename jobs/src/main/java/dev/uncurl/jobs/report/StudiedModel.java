package dev.uncurl.jobs.report;

import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The columns of models.registry that reports read, and the number of experts per layer, of which the largest counts. */
record StudiedModel(
        String modelId,
        Optional<String> parentModelId,
        String stage,
        Map<String, String> inputs,
        String manifestSha256,
        Optional<Integer> experts,
        long parameters,
        long activeParameters,
        long bytes) {

    /** All registered models by id. */
    static Map<String, StudiedModel> all(Warehouse warehouse) {
        var models = new TreeMap<String, StudiedModel>();
        var rows = warehouse
                .table(UncurlTable.REGISTRY)
                .selectExpr("*", "int(get_json_object(config, '$.moe.experts')) AS experts");
        Records.read(rows, StudiedModel.class).forEach(model -> models.put(model.modelId, model));
        return models;
    }

    /** A model and its registered ancestors, itself first. */
    static List<StudiedModel> lineage(String modelId, Map<String, StudiedModel> models) {
        var lineage = new ArrayList<StudiedModel>();
        StudiedModel model = models.get(modelId);
        while (model != null && !lineage.contains(model)) { // a model made again can name its own descendant
            lineage.add(model);
            model = model.parentModelId.map(models::get).orElse(null);
        }
        return lineage;
    }
}

package dev.uncurl.jobs.report;

import java.util.Map;
import java.util.Optional;

/** How a model or one of its ancestors was pruned; all empty if none was. */
record Pruned(Optional<String> method, Optional<String> router, Optional<Integer> experts) {
    /** The last pruning in the lineage of a model. */
    static Pruned of(String modelId, Map<String, StudiedModel> models) {
        Map<String, String> inputs = StudiedModel.lineage(modelId, models).stream()
                .filter(model -> model.stage().equals("prune"))
                .findFirst()
                .map(StudiedModel::inputs)
                .orElse(Map.of());
        return new Pruned(
                Optional.ofNullable(inputs.get("method")),
                Optional.ofNullable(inputs.get("router")),
                Optional.ofNullable(inputs.get("experts")).map(Integer::valueOf));
    }
}

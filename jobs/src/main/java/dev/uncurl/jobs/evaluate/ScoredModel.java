package dev.uncurl.jobs.evaluate;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.jobs.warehouse.ModelCache;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.spec.ModelConfig;
import java.io.Serializable;
import java.util.Optional;

/**
 * A model to be scored.
 *
 * @param id the name under which its results are stored
 * @param sha256 identifies what is computed: the hash of the manifest
 * @param tokenizer identity of the tokenizer that the model was trained with
 * @param source loads the weights in a task
 * @param planned the plan that is applied to the model as it is scored; empty for a model as it is stored
 */
record ScoredModel(
        String id,
        String sha256,
        String tokenizer,
        ModelConfig config,
        ModelCache.Source source,
        Optional<Planned> planned) {
    /**
     * A plan that is applied without writing a model.
     *
     * @param router the rule for the router, such as slice
     */
    record Planned(String planId, String router) implements Serializable {}

    /** A registered model, whose files are checked now. */
    static ScoredModel registered(Warehouse warehouse, String modelId) {
        ModelFolder model = new Models(warehouse).open(modelId);
        return new ScoredModel(
                modelId,
                model.manifestSha256(),
                model.manifest().lineage().tokenizer(),
                model.config(),
                ModelCache.Reference.of(warehouse, model),
                Optional.empty());
    }
}

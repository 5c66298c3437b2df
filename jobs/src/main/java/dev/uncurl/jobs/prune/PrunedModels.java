package dev.uncurl.jobs.prune;

import dev.uncurl.checkpoint.Lineage;
import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.Backend;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.pruning.MergeOptions;
import dev.uncurl.pruning.Plan;
import dev.uncurl.pruning.PlanSettings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Locale;
import java.util.SortedMap;

/** Makes models from plans, unless they exist. */
public final class PrunedModels {
    private final Warehouse warehouse;

    public PrunedModels(Warehouse warehouse) {
        this.warehouse = warehouse;
    }

    /**
     * Makes a model and registers it, and prints its size.
     *
     * @param settings that the plan was made with
     * @param command that makes the model, for its manifest
     * @throws UserError (conflict) if a model of this name was made from other inputs, or another run is making it
     */
    public void make(
            ModelFolder parent,
            String parentId,
            Plan plan,
            PlanSettings settings,
            MergeOptions options,
            String modelId,
            String command) {
        SortedMap<String, String> inputs = new PruneInputs(
                        parent.manifestSha256(), plan.id(), plan.origin().task(), options)
                .write(settings, parent.manifest().lineage().tokenizer());
        try (var lock = warehouse.lock("model", modelId)) {
            if (new Models(warehouse).isMade(modelId, inputs)) {
                return;
            }
            var lineage = Lineage.here(parentId, "prune", inputs, command, Backend.name());
            ModelFolder model = new ApplyPlanJob(warehouse).apply(parent, plan, options, modelId, lineage);
            System.out.printf(
                    Locale.ROOT,
                    "Model %s: %,d of %,d parameters, %,d bytes; router rule %s%n",
                    modelId,
                    model.layout().length(),
                    parent.layout().length(),
                    model.bytes(),
                    options.router().id());
        } catch (IOException e) {
            throw new UncheckedIOException("writing model " + modelId, e);
        }
    }
}

package dev.uncurl.jobs.sweep;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.CorpusRun;
import dev.uncurl.jobs.warehouse.Examples;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.pruning.PlanApplier;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * The models and tasks of a sweep as they are in the warehouse now.
 *
 * @param models in the order of the sweep
 * @param scratch controls: models of the same shape that were pretrained with another number of experts, or none
 * @param folders the folders of both, by name
 * @param tasks the tasks and other tasks of the sweep, by name
 * @param leftOut models that a pattern matches but that cannot be pruned, and controls that are not there, with the reason
 */
record SweepInputs(
        List<SweptModel> models,
        List<SweptModel> scratch,
        Map<String, ModelFolder> folders,
        Map<String, SweptTask> tasks,
        List<String> leftOut) {
    /**
     * Opens every model and checks that each fits every task.
     *
     * @param known the models of the sweep's earlier run of the same date, which later models do not change; empty for a first
     * @throws UserError (input, usage) if a model or task is missing, cannot be used, or they do not fit each other
     */
    static SweepInputs of(Warehouse warehouse, SweepConfig config, Set<String> known) {
        List<ModelChoice> choices = config.modelChoices();
        List<ModelChoice.Registered> registry =
                Records.read(warehouse.table(UncurlTable.REGISTRY), ModelChoice.Registered.class);
        if (!known.isEmpty()) {
            registry = registry.stream()
                    .filter(model -> known.contains(model.modelId())
                            || choices.contains(new ModelChoice.Named(model.modelId()))
                            || config.scratchChoices().contains(new ModelChoice.Named(model.modelId())))
                    .toList();
        }
        var folders = new LinkedHashMap<String, ModelFolder>();
        var leftOut = new ArrayList<String>();
        for (String id : ModelChoice.resolve(choices, registry)) {
            try {
                folders.put(id, open(warehouse, id));
            } catch (UserError e) {
                if (choices.contains(new ModelChoice.Named(id)) || e.kind() != UserError.Kind.USAGE) {
                    throw e;
                }
                leftOut.add("model " + id + ": "
                        + e.getMessage().lines().findFirst().orElse(""));
            }
        }
        if (folders.isEmpty()) {
            throw UserError.usage(
                    "The sweep has no model that can be pruned: " + String.join("; ", leftOut),
                    "Name one with experts by models = [{ name = ID }].");
        }
        Map<String, SweptTask> tasks = tasks(warehouse, config, folders);
        Map<String, ModelFolder> scratch = scratch(warehouse, config, registry, folders, leftOut);
        List<SweptModel> models = swept(folders);
        folders.putAll(scratch);
        return new SweepInputs(models, swept(scratch), folders, tasks, leftOut);
    }

    private static List<SweptModel> swept(Map<String, ModelFolder> folders) {
        return folders.entrySet().stream()
                .map(model -> new SweptModel(
                        model.getKey(),
                        model.getValue().manifestSha256(),
                        model.getValue().config().moe().experts()))
                .toList();
    }

    /** The controls that were pretrained with other numbers of experts; what is not there or does not fit is left out, and said. */
    private static Map<String, ModelFolder> scratch(
            Warehouse warehouse,
            SweepConfig config,
            List<ModelChoice.Registered> registry,
            Map<String, ModelFolder> models,
            List<String> leftOut) {
        var scratch = new LinkedHashMap<String, ModelFolder>();
        for (ModelChoice choice : config.scratchChoices()) {
            List<String> found = choice.resolve(registry);
            if (found.isEmpty()) {
                leftOut.add("control from scratch: " + choice.text());
            }
            for (String id : found) {
                if (models.containsKey(id)) {
                    continue; // compared as a model of the sweep
                }
                ModelFolder folder = new Models(warehouse).open(id);
                if (models.values().stream().anyMatch(model -> haveOneShape(model, folder))) {
                    scratch.put(id, folder);
                } else {
                    leftOut.add("control from scratch: model " + id
                            + " has another shape or tokenizer than the models of the sweep");
                }
            }
        }
        return scratch;
    }

    /** Whether two models differ in their experts only. */
    private static boolean haveOneShape(ModelFolder one, ModelFolder other) {
        ModelConfig a = one.config();
        ModelConfig b = other.config();
        return a.layers() == b.layers()
                && a.width() == b.width()
                && a.heads() == b.heads()
                && a.feedForward() == b.feedForward()
                && a.vocabulary() == b.vocabulary()
                && a.sequenceLength() == b.sequenceLength()
                && Objects.equals(
                        one.manifest().lineage().tokenizer(),
                        other.manifest().lineage().tokenizer());
    }

    private static ModelFolder open(Warehouse warehouse, String id) {
        ModelFolder model = new Models(warehouse).open(id);
        if (model.config().moeLayers().length == 0) {
            throw UserError.usage("Model " + id + " has no experts", "Name a model with moe.experts above 0.");
        }
        PlanApplier.checkUniform(model);
        return model;
    }

    private static Map<String, SweptTask> tasks(
            Warehouse warehouse, SweepConfig config, Map<String, ModelFolder> models) {
        var names = new LinkedHashSet<>(config.tasks());
        config.tasks().forEach(task -> config.otherTask(task).ifPresent(names::add));
        var tasks = new LinkedHashMap<String, SweptTask>();
        for (String name : names) {
            CorpusRun run = CorpusRun.ofTask(warehouse, name);
            models.forEach((id, model) ->
                    run.requireTokenizer(model.manifest().lineage().tokenizer(), id));
            requireRows(warehouse, name, config.routing().split().label());
            if (config.tasks().contains(name)) {
                requireRows(warehouse, name, config.evaluate().split().label());
            }
            tasks.put(name, new SweptTask(name, CorpusRun.ids(List.of(run))));
        }
        return tasks;
    }

    private static void requireRows(Warehouse warehouse, String task, String split) {
        if (warehouse
                        .rows(UncurlTable.SEQUENCES, "corpus", task, "split", split)
                        .isEmpty()
                && Examples.of(warehouse, task, split).isEmpty()) {
            throw UserError.input(
                    "Task " + task + " of the sweep has no rows in split " + split,
                    "Run tokenize for it, or set another routing.split or evaluate.split.");
        }
    }
}

package dev.uncurl.jobs.sweep;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cli.Failures;
import dev.uncurl.jobs.cli.Interruption;
import dev.uncurl.jobs.evaluate.CellScores;
import dev.uncurl.jobs.output.StandardOutput;
import dev.uncurl.jobs.prune.PrunedModels;
import dev.uncurl.jobs.prune.TaskPlans;
import dev.uncurl.jobs.routing.TaskDump;
import dev.uncurl.jobs.spark.Causes;
import dev.uncurl.jobs.sweep.Cell.Protocol;
import dev.uncurl.jobs.sweep.Cell.Pruning;
import dev.uncurl.jobs.sweep.CellStatus.Results;
import dev.uncurl.jobs.sweep.SweepConfig.Makes;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.spec.DType;
import dev.uncurl.pruning.MergeOptions;
import dev.uncurl.pruning.Plan;
import dev.uncurl.pruning.PlanSettings;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Runs cells on a warehouse: one dump and one planning for all plans of a model and task, then scores, then models. Everything
 * that exists is reused, whoever made it: dumps, plans, results and models have ids or keys that say what they were made from.
 */
final class WarehouseWork implements CellWork {
    /** The plans of one model that are made on one task. */
    record Group(String modelId, String task) {}

    private final Warehouse warehouse;
    private final String folder;
    private final Map<String, ModelFolder> models;
    private final Map<Group, Set<PlanSettings>> settings = new LinkedHashMap<>();
    private final Map<Group, TaskPlans> plans = new HashMap<>();
    private final Map<Group, RuntimeException> failures = new HashMap<>();
    private final Map<Group, Set<String>> stored = new HashMap<>();
    private final Map<String, StoredResults> results = new HashMap<>();
    private final Set<Group> examined = new HashSet<>();
    private final Set<Group> written = new HashSet<>();
    private final Set<String> registered = new HashSet<>();
    private final CellScores scores;
    private final Protocol protocol;

    /**
     * @param folder of the warehouse, as it was given
     * @param models the folders of the sweep's models, by name
     * @param cells all of the sweep
     */
    WarehouseWork(
            Warehouse warehouse, String folder, Map<String, ModelFolder> models, List<Cell> cells, Protocol protocol) {
        this.warehouse = warehouse;
        this.folder = folder;
        this.models = models;
        this.protocol = protocol;
        scores = new CellScores(warehouse, protocol.split(), protocol.limit());
        for (Cell cell : cells) {
            cell.pruning().ifPresent(plan -> settings.computeIfAbsent(group(cell, plan), key -> new LinkedHashSet<>())
                    .add(plan.settings()));
        }
        warehouse
                .table(UncurlTable.REGISTRY)
                .select("model_id")
                .collectAsList()
                .forEach(row -> registered.add(row.getString(0)));
    }

    static Group group(Cell cell, Pruning plan) {
        return new Group(cell.model().id(), plan.madeOn().name());
    }

    TaskDump dump(Group group) {
        Set<PlanSettings> all = settings.getOrDefault(group, Set.of());
        boolean outputs = all.stream().anyMatch(one -> one.method().needsOutputs());
        return new TaskDump(
                warehouse,
                group.modelId,
                group.task,
                protocol.routingSplit(),
                protocol.tokens(),
                outputs ? protocol.outputs() : 0);
    }

    @Override
    public Optional<Results> find(Cell cell) {
        String model = cell.model().id();
        StoredResults there = results.computeIfAbsent(
                model, id -> StoredResults.of(warehouse, id, protocol.split(), protocol.limit()));
        if (cell.pruning().isEmpty()) {
            return there.have(model, cell.model().sha256(), cell.task())
                    ? Optional.of(new Results(Optional.empty(), model, Optional.empty()))
                    : Optional.empty();
        }
        Pruning pruning = cell.pruning().get();
        return planIfDumped(cell, pruning).flatMap(plan -> {
            var scored = scores.identify(model, models.get(model), plan, options(pruning));
            boolean complete = stored.get(group(cell, pruning)).contains(plan.id())
                    && there.have(scored.id(), scored.sha256(), cell.task())
                    && (protocol.makes() == Makes.SCORES || registered.contains(modelName(cell, pruning, plan)));
            return complete ? Optional.of(results(cell, pruning, plan, scored.id())) : Optional.empty();
        });
    }

    /** The plan of a cell, not stored; empty if its routing was not dumped, or there is no plan. */
    private Optional<Plan> planIfDumped(Cell cell, Pruning pruning) {
        Group group = group(cell, pruning);
        if (examined.add(group)) {
            try {
                if (dump(group).isComplete()) {
                    plan(group);
                    stored.put(group, plans.get(group).stored());
                }
            } catch (UserError e) { // so its cells are missing; run() meets the error again, and records it
                return Optional.empty();
            }
        }
        try {
            return Optional.ofNullable(plans.get(group)).map(all -> all.plan(pruning.settings()));
        } catch (UserError e) { // as above, for one cell
            return Optional.empty();
        }
    }

    private void plan(Group group) {
        ModelFolder model = models.get(group.modelId);
        plans.put(
                group,
                TaskPlans.of(
                        warehouse, model, group.modelId, group.task, protocol.routingSplit(), settings.get(group)));
    }

    @Override
    public Results run(Cell cell) {
        String id = cell.model().id();
        if (cell.pruning().isEmpty()) {
            scores.score(id, cell.task().name());
            return new Results(Optional.empty(), id, Optional.empty());
        }
        Pruning pruning = cell.pruning().get();
        ModelFolder model = models.get(id);
        Plan plan = storedPlans(group(cell, pruning)).plan(pruning.settings());
        MergeOptions options = options(pruning);
        scores.score(id, model, plan, options, cell.task().name());
        if (protocol.makes() == Makes.MODELS) {
            String name = modelName(cell, pruning, plan);
            new PrunedModels(warehouse)
                    .make(
                            model,
                            id,
                            plan,
                            pruning.settings(),
                            options,
                            name,
                            PruneLine.of(id, pruning, protocol, name, folder));
        }
        return results(
                cell, pruning, plan, scores.identify(id, model, plan, options).id());
    }

    /** The plans of a group, made and stored. What failed once is not tried again for every cell, unless another run holds it. */
    private TaskPlans storedPlans(Group group) {
        if (failures.get(group) != null) {
            throw failures.get(group);
        }
        try {
            if (!plans.containsKey(group)) {
                dump(group).make(1);
                plan(group);
            }
            if (written.add(group)) {
                plans.get(group).write();
            }
            return plans.get(group);
        } catch (RuntimeException e) {
            written.remove(group);
            UserError error = Failures.userError(e);
            if (error == null || error.kind() != UserError.Kind.CONFLICT) {
                failures.put(group, e);
            }
            throw e;
        }
    }

    private MergeOptions options(Pruning pruning) {
        return new MergeOptions(pruning.router(), protocol.align(), DType.named(protocol.dtype()));
    }

    private Results results(Cell cell, Pruning pruning, Plan plan, String id) {
        return new Results(
                Optional.of(plan.id()),
                id,
                protocol.makes() == Makes.MODELS ? Optional.of(modelName(cell, pruning, plan)) : Optional.empty());
    }

    private String modelName(Cell cell, Pruning pruning, Plan plan) {
        return PruneLine.modelName(cell.model().id(), pruning, plan.id(), protocol);
    }

    @Override
    public boolean isTheEnd(RuntimeException failure) {
        return Interruption.isEnding()
                || warehouse.context().sc().isStopped()
                || Causes.of(failure).stream().anyMatch(StandardOutput.Failure.class::isInstance);
    }
}

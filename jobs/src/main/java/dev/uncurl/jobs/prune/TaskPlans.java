package dev.uncurl.jobs.prune;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.pruning.Plan;
import dev.uncurl.pruning.PlanSettings;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** The plans of many settings of one model on one task, made together: the routing tables are read once. */
public final class TaskPlans {
    private final PlanTables tables;
    private final Map<PlanSettings, PlanTables.Planned> plans = new HashMap<>();
    private final Map<PlanSettings, UserError> failures = new HashMap<>();

    private TaskPlans(PlanTables tables) {
        this.tables = tables;
    }

    /**
     * Makes the plans, and stores none. A setting that has no plan fails in {@link #plan} only.
     *
     * @param split of the dump
     * @throws UserError (input) if the routing of the task was not dumped for the current model, or its rows are damaged
     */
    public static TaskPlans of(
            Warehouse warehouse,
            ModelFolder model,
            String modelId,
            String task,
            String split,
            Collection<PlanSettings> settings) {
        warehouse.describe("plan " + settings.size() + " prunings of " + modelId + " on " + task);
        var made = new TaskPlans(new PlanTables(warehouse));
        List<PlanSettings> all = List.copyOf(settings);
        List<PlanTables.Attempt> attempts = made.tables.attempts(model, modelId, task, split, all);
        for (int i = 0; i < attempts.size(); i++) {
            PlanSettings one = all.get(i);
            attempts.get(i).planned().ifPresent(planned -> made.plans.put(one, planned));
            attempts.get(i).failure().ifPresent(failure -> made.failures.put(one, failure));
        }
        return made;
    }

    /** @throws UserError if these settings have no plan: a method that cannot give so many clusters, for example */
    public Plan plan(PlanSettings settings) {
        if (failures.containsKey(settings)) {
            throw failures.get(settings);
        }
        return plans.get(settings).plan();
    }

    /** Ids of all plans. */
    public Set<String> ids() {
        return plans.values().stream().map(one -> one.plan().id()).collect(Collectors.toSet());
    }

    /** Ids of the plans that are in pruning.plans. */
    public Set<String> stored() {
        return tables.stored(List.copyOf(plans.values()));
    }

    /** Stores the plans that are not there, with one commit for each of the two tables. */
    public void write() {
        tables.writeAll(List.copyOf(plans.values()));
    }
}

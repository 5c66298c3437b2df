package dev.uncurl.jobs.sweep;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cli.Failures;
import dev.uncurl.jobs.prune.TaskPlans;
import dev.uncurl.jobs.routing.TaskDump;
import dev.uncurl.jobs.sweep.Cell.Protocol;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.pruning.Plan;
import dev.uncurl.pruning.PlanSettings;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;

/**
 * The plans of one model that are made on one task: one dump serves all, they are planned together, and one thread does that while
 * others wait.
 */
final class PlanGroup {
    /** @param task whose router logits plans are made from */
    record Key(String modelId, String task) {}

    private final Warehouse warehouse;
    private final Key key;
    private final ModelFolder model;
    private final Protocol protocol;
    private final Set<PlanSettings> settings = new LinkedHashSet<>();
    private TaskDump dump;
    private TaskPlans plans;
    private Set<String> stored = Set.of();
    private boolean examined;
    private boolean complete;
    private RuntimeException failure;

    PlanGroup(Warehouse warehouse, Key key, ModelFolder model, Protocol protocol) {
        this.warehouse = warehouse;
        this.key = key;
        this.model = model;
        this.protocol = protocol;
    }

    Key key() {
        return key;
    }

    /** Adds a plan, before the first is asked for. */
    void add(PlanSettings one) {
        settings.add(one);
    }

    synchronized TaskDump dump() {
        if (dump == null) {
            boolean outputs = settings.stream().anyMatch(one -> one.method().needsOutputs());
            dump = new TaskDump(
                    warehouse,
                    key.modelId,
                    key.task,
                    protocol.routingSplit(),
                    protocol.tokens(),
                    outputs ? protocol.outputs() : 0);
        }
        return dump;
    }

    /** Other runs may have made the dump or stored plans since this was looked at. */
    synchronized void refresh() {
        examined = complete;
    }

    /** A plan, stored or not; empty if the routing was not dumped when this was looked at, or there is no such plan. */
    synchronized Optional<Plan> ifDumped(PlanSettings one) {
        try {
            if (!examined) {
                examined = true;
                if (dump().isComplete()) {
                    readPlans();
                }
            }
            return plans == null ? Optional.empty() : Optional.of(plans.plan(one));
        } catch (UserError e) { // so the cell is missing; stored() meets the error again, and the cell records it
            return Optional.empty();
        }
    }

    /** Whether a plan was stored when this was looked at. */
    synchronized boolean isStored(String planId) {
        return stored.contains(planId);
    }

    private void readPlans() {
        if (plans == null) {
            plans = TaskPlans.of(warehouse, model, key.modelId, key.task, protocol.routingSplit(), settings);
        }
        stored = plans.stored();
    }

    /**
     * The plans, made and stored. What failed once is not tried again for every cell, unless another run holds it.
     *
     * @throws UserError (conflict, held) while another run dumps or stores them
     */
    synchronized TaskPlans stored() {
        if (failure != null) {
            throw failure;
        }
        try {
            if (!complete) {
                if (!dump().isComplete()) {
                    dump().make(1);
                }
                readPlans();
                store();
                complete = true;
            }
            return plans;
        } catch (RuntimeException e) {
            UserError error = Failures.userError(e);
            if (error == null || error.kind() != UserError.Kind.CONFLICT) {
                failure = e;
            }
            throw e;
        }
    }

    private void store() {
        if (!stored.containsAll(plans.ids())) {
            try (var lease = warehouse.lock("plans", key.modelId, key.task)) {
                plans.write();
                stored = plans.stored();
            }
        }
    }
}

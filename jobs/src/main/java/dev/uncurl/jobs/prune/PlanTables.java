package dev.uncurl.jobs.prune;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.AssignmentRow;
import dev.uncurl.jobs.warehouse.row.PlanRow;
import dev.uncurl.pruning.ExpertAssignment;
import dev.uncurl.pruning.LayerScore;
import dev.uncurl.pruning.Plan;
import dev.uncurl.pruning.PlanApplier;
import dev.uncurl.pruning.PlanSettings;
import dev.uncurl.pruning.Planner;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/** The table side of pruning: plans from what the routing tables tell, to pruning.assignments and pruning.plans. */
final class PlanTables {
    private final Warehouse warehouse;

    PlanTables(Warehouse warehouse) {
        this.warehouse = warehouse;
    }

    /**
     * A plan with what is stored beside it.
     *
     * @param scores of every layer, ascending
     * @param snapshots of the tables that it was made from
     */
    record Planned(Plan plan, List<LayerScore> scores, SortedMap<String, Long> snapshots) {}

    /** @throws UserError (input) when the task's routing was not dumped for the model as it is, or does not suffice */
    Planned plan(ModelFolder model, String modelId, String task, String split, PlanSettings settings) {
        PlanApplier.checkUniform(model);
        boolean outputs = settings.method().needsOutputs();
        var statistics = RoutingStatisticsReader.read(warehouse, model, modelId, task, split, outputs);
        Map<String, String> inputs = Map.of("split", split, "data", statistics.data());
        Plan plan = Planner.plan(modelId, model.manifestSha256(), task, settings, statistics.layers(), inputs);
        List<LayerScore> scores = statistics.layers().stream()
                .map(layer -> LayerScore.of(layer, plan.layer(layer.layer())))
                .toList();
        return new Planned(plan, scores, statistics.snapshots());
    }

    /** Writes the rows of a plan, unless they are there; the one that says that it is there comes last. */
    void write(Planned planned) {
        Plan plan = planned.plan();
        Object[] key = {
            "model_id", plan.origin().modelId(), "task", plan.origin().task(), "plan_id", plan.id()
        };
        if (warehouse.rows(UncurlTable.PLANS, key).isEmpty()) {
            Records.replace(warehouse, UncurlTable.ASSIGNMENTS, assignments(plan), key);
            Records.replace(warehouse, UncurlTable.PLANS, List.of(row(planned)), key);
        }
    }

    /** A plan that was written; empty when there is none of that id, or its rows are others than were written. */
    Optional<Plan> read(String modelId, String task, String planId) {
        Object[] key = {"model_id", modelId, "task", task, "plan_id", planId};
        List<PlanRow> plans = Records.read(warehouse.rows(UncurlTable.PLANS, key), PlanRow.class);
        if (plans.isEmpty()) {
            return Optional.empty();
        }
        PlanRow row = plans.get(0);
        var inputs = new TreeMap<>(row.parameters());
        inputs.put("split", row.split());
        inputs.put("weights", row.weights());
        inputs.put("budget", row.budget());
        var origin = new Plan.Origin(
                modelId,
                row.manifestSha256(),
                task,
                row.method(),
                row.expertsBefore(),
                row.expertsAfter(),
                row.seed(),
                inputs);
        var rows = warehouse.rows(UncurlTable.ASSIGNMENTS, key).orderBy("layer", "expert");
        List<ExpertAssignment> assignments = Records.read(rows, AssignmentRow.class).stream()
                .map(assignment -> new ExpertAssignment(
                        assignment.layer(),
                        assignment.expert(),
                        assignment.cluster(),
                        assignment.weight(),
                        assignment.isReference()))
                .toList();
        return Optional.of(new Plan(origin, assignments))
                .filter(plan -> plan.id().equals(planId));
    }

    private static List<AssignmentRow> assignments(Plan plan) {
        Plan.Origin origin = plan.origin();
        var rows = new ArrayList<AssignmentRow>();
        for (ExpertAssignment assignment : plan.assignments()) {
            rows.add(new AssignmentRow(
                    plan.id(),
                    origin.modelId(),
                    origin.manifestSha256(),
                    origin.task(),
                    origin.method(),
                    origin.experts(),
                    origin.keep(),
                    origin.seed(),
                    assignment.layer(),
                    assignment.expert(),
                    assignment.cluster(),
                    assignment.weight(),
                    assignment.isReference()));
        }
        return rows;
    }

    private static PlanRow row(Planned planned) {
        Plan.Origin origin = planned.plan().origin();
        var parameters = new TreeMap<>(origin.inputs());
        String split = parameters.remove("split");
        String weights = parameters.remove("weights");
        String budget = parameters.remove("budget");
        List<PlanRow.Layer> layers = planned.scores().stream()
                .map(score -> new PlanRow.Layer(
                        score.layer(),
                        score.experts(),
                        score.clusters(),
                        score.inertia(),
                        score.silhouette().stream().boxed().findFirst(),
                        score.cost()))
                .toList();
        return new PlanRow(
                planned.plan().id(),
                origin.modelId(),
                origin.manifestSha256(),
                origin.task(),
                split,
                origin.method(),
                weights,
                budget,
                origin.experts(),
                origin.keep(),
                origin.seed(),
                parameters,
                planned.snapshots(),
                layers,
                Instant.now());
    }
}

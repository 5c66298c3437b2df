package dev.uncurl.jobs.prune;

import static org.apache.spark.sql.functions.col;

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
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.spark.sql.Column;

/** Makes plans from the routing tables, and writes them to pruning.assignments and pruning.plans. */
final class PlanTables {
    private final Warehouse warehouse;

    PlanTables(Warehouse warehouse) {
        this.warehouse = warehouse;
    }

    /**
     * A plan with its scores and inputs.
     *
     * @param scores one per layer, ascending
     * @param snapshots ids of the snapshots of the tables from which it was made, by table
     */
    record Planned(Plan plan, List<LayerScore> scores, SortedMap<String, Long> snapshots) {}

    /** The plan of one setting; see {@link #plans}. */
    Planned plan(ModelFolder model, String modelId, String task, String split, PlanSettings settings) {
        return plans(model, modelId, task, split, List.of(settings)).get(0);
    }

    /**
     * Makes a plan for each of the settings. The statistics are read once.
     *
     * @throws UserError (input) if the routing of the task was not dumped for the current model, or is insufficient
     */
    List<Planned> plans(ModelFolder model, String modelId, String task, String split, List<PlanSettings> settings) {
        PlanApplier.checkUniform(model);
        boolean outputs = settings.stream().anyMatch(one -> one.method().needsOutputs());
        var statistics = RoutingStatisticsReader.read(warehouse, model, modelId, task, split, outputs);
        var withoutOutputs = statistics.withoutOutputs();
        return settings.stream()
                .map(one -> plan(
                        model, modelId, task, split, one, one.method().needsOutputs() ? statistics : withoutOutputs))
                .toList();
    }

    private static Planned plan(
            ModelFolder model,
            String modelId,
            String task,
            String split,
            PlanSettings settings,
            RoutingStatisticsReader statistics) {
        Map<String, String> inputs = Map.of("split", split, "data", statistics.data());
        Plan plan = Planner.plan(modelId, model.manifestSha256(), task, settings, statistics.layers(), inputs);
        List<LayerScore> scores = statistics.layers().stream()
                .map(layer -> LayerScore.of(layer, plan.layer(layer.layer())))
                .toList();
        return new Planned(plan, scores, statistics.snapshots());
    }

    /** A plan, or why there is none. */
    record Attempt(Optional<Planned> planned, Optional<UserError> failure) {}

    /**
     * As {@link #plans}, but a setting for which there is no plan does not keep the others from theirs.
     *
     * @throws UserError (input) if the routing of the task was not dumped for the current model, or its rows are damaged
     */
    List<Attempt> attempts(ModelFolder model, String modelId, String task, String split, List<PlanSettings> settings) {
        PlanApplier.checkUniform(model);
        boolean outputs = settings.stream().anyMatch(one -> one.method().needsOutputs());
        var statistics = RoutingStatisticsReader.read(warehouse, model, modelId, task, split, outputs);
        var withoutOutputs = statistics.withoutOutputs();
        var attempts = new ArrayList<Attempt>();
        for (PlanSettings one : settings) {
            var read = one.method().needsOutputs() ? statistics : withoutOutputs;
            try {
                attempts.add(new Attempt(Optional.of(plan(model, modelId, task, split, one, read)), Optional.empty()));
            } catch (UserError e) {
                attempts.add(new Attempt(Optional.empty(), Optional.of(e)));
            }
        }
        return attempts;
    }

    /** Ids of those plans, all of one model and task, that are in pruning.plans. */
    Set<String> stored(List<Planned> plans) {
        if (plans.isEmpty()) {
            return Set.of();
        }
        Plan.Origin origin = plans.get(0).plan().origin();
        return warehouse
                .rows(UncurlTable.PLANS, "model_id", origin.modelId(), "task", origin.task())
                .where(col("plan_id")
                        .isin(plans.stream().map(one -> one.plan().id()).toArray()))
                .select("plan_id")
                .collectAsList()
                .stream()
                .map(row -> row.getString(0))
                .collect(Collectors.toSet());
    }

    /** Writes the rows of those plans, all of one model and task, that do not exist; as {@link #write}, with two commits in all. */
    void writeAll(List<Planned> plans) {
        Set<String> stored = stored(plans);
        List<Planned> fresh =
                plans.stream().filter(one -> !stored.contains(one.plan().id())).toList();
        if (fresh.isEmpty()) {
            return;
        }
        Plan.Origin origin = fresh.get(0).plan().origin();
        Column rows = col("model_id")
                .equalTo(origin.modelId())
                .and(col("task").equalTo(origin.task()))
                .and(col("plan_id")
                        .isin(fresh.stream().map(one -> one.plan().id()).toArray()));
        List<AssignmentRow> assignments =
                fresh.stream().flatMap(one -> assignments(one.plan()).stream()).toList();
        List<PlanRow> planRows = fresh.stream().map(PlanTables::row).toList();
        warehouse.replaceWhere(
                UncurlTable.ASSIGNMENTS, Records.frame(warehouse, UncurlTable.ASSIGNMENTS, assignments), rows);
        warehouse.replaceWhere(UncurlTable.PLANS, Records.frame(warehouse, UncurlTable.PLANS, planRows), rows);
    }

    /**
     * Writes the rows of a plan unless they exist. The row of pruning.plans is written last and marks the plan as complete.
     *
     * @return whether it was new
     */
    boolean write(Planned planned) {
        Plan plan = planned.plan();
        Object[] key = {
            "model_id", plan.origin().modelId(), "task", plan.origin().task(), "plan_id", plan.id()
        };
        if (!warehouse.rows(UncurlTable.PLANS, key).isEmpty()) {
            return false;
        }
        Records.replace(warehouse, UncurlTable.ASSIGNMENTS, assignments(plan), key);
        Records.replace(warehouse, UncurlTable.PLANS, List.of(row(planned)), key);
        return true;
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

package dev.uncurl.jobs.prune;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.pruning.ExpertAssignment;
import dev.uncurl.pruning.LayerScore;
import dev.uncurl.pruning.Plan;
import dev.uncurl.pruning.PlanApplier;
import dev.uncurl.pruning.PlanSettings;
import dev.uncurl.pruning.Planner;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;

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
        var evidence = RoutingStatisticsReader.read(warehouse, model, modelId, task, split, outputs);
        Map<String, String> inputs = Map.of("split", split, "data", evidence.data());
        Plan plan = Planner.plan(modelId, model.manifestSha256(), task, settings, evidence.layers(), inputs);
        List<LayerScore> scores = evidence.layers().stream()
                .map(layer -> LayerScore.of(layer, plan.layer(layer.layer())))
                .toList();
        return new Planned(plan, scores, evidence.snapshots());
    }

    /** Writes the rows of a plan, unless they are there; the one that says that it is there comes last. */
    void write(Planned planned) {
        Plan plan = planned.plan();
        Object[] key = {
            "model_id", plan.origin().modelId(), "task", plan.origin().task(), "plan_id", plan.id()
        };
        if (warehouse.rows(UncurlTable.PLANS, key).isEmpty()) {
            put(UncurlTable.ASSIGNMENTS, assignments(plan), key);
            put(UncurlTable.PLANS, List.of(row(planned)), key);
        }
    }

    private void put(UncurlTable table, List<Row> rows, Object... key) {
        var schema = warehouse.table(table).schema();
        warehouse.replace(table, warehouse.spark().createDataFrame(rows, schema), key);
    }

    /** A plan that was written; empty when there is none of that id, or its rows are others than were written. */
    Optional<Plan> read(String modelId, String task, String planId) {
        Object[] key = {"model_id", modelId, "task", task, "plan_id", planId};
        List<Row> plans = warehouse.rows(UncurlTable.PLANS, key).collectAsList();
        if (plans.isEmpty()) {
            return Optional.empty();
        }
        Row row = plans.get(0);
        var inputs = new TreeMap<String, String>(row.<String, String>getJavaMap(row.fieldIndex("parameters")));
        for (String input : List.of("split", "weights", "budget")) {
            inputs.put(input, row.getAs(input));
        }
        var origin = new Plan.Origin(
                modelId,
                row.getAs("manifest_sha256"),
                task,
                row.getAs("method"),
                row.<Integer>getAs("experts_before"),
                row.<Integer>getAs("experts_after"),
                row.<Long>getAs("seed"),
                inputs);
        List<ExpertAssignment> assignments =
                warehouse.rows(UncurlTable.ASSIGNMENTS, key).orderBy("layer", "expert").collectAsList().stream()
                        .map(assignment -> new ExpertAssignment(
                                assignment.<Integer>getAs("layer"),
                                assignment.<Integer>getAs("expert"),
                                assignment.<Integer>getAs("cluster"),
                                assignment.<Double>getAs("weight"),
                                assignment.<Boolean>getAs("is_reference")))
                        .toList();
        return Optional.of(new Plan(origin, assignments))
                .filter(plan -> plan.id().equals(planId));
    }

    private static List<Row> assignments(Plan plan) {
        Plan.Origin origin = plan.origin();
        var rows = new ArrayList<Row>();
        for (ExpertAssignment assignment : plan.assignments()) {
            rows.add(RowFactory.create(
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

    private static Row row(Planned planned) {
        Plan.Origin origin = planned.plan().origin();
        var parameters = new TreeMap<>(origin.inputs());
        String split = parameters.remove("split");
        String weights = parameters.remove("weights");
        String budget = parameters.remove("budget");
        Row[] layers = planned.scores().stream()
                .map(score -> RowFactory.create(
                        score.layer(),
                        score.experts(),
                        score.clusters(),
                        score.inertia(),
                        score.silhouette().isPresent() ? score.silhouette().getAsDouble() : null,
                        score.cost()))
                .toArray(Row[]::new);
        return RowFactory.create(
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
                Timestamp.from(Instant.now()));
    }
}

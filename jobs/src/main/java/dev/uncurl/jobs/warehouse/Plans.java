package dev.uncurl.jobs.warehouse;

import static org.apache.spark.sql.functions.col;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.row.AssignmentRow;
import dev.uncurl.jobs.warehouse.row.PlanRow;
import dev.uncurl.pruning.ExpertAssignment;
import dev.uncurl.pruning.Plan;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/** Reads plans from pruning.plans and pruning.assignments, as prune stored them. */
public final class Plans {
    /** The fewest digits of an id that name a plan. */
    private static final int SHORTEST = 6;

    private final Warehouse warehouse;

    public Plans(Warehouse warehouse) {
        this.warehouse = warehouse;
    }

    /** Reads a plan; empty if there is no plan with this id, or its rows have changed since they were written. */
    public Optional<Plan> read(String modelId, String task, String planId) {
        Object[] key = {"model_id", modelId, "task", task, "plan_id", planId};
        return Records.read(warehouse.rows(UncurlTable.PLANS, key), PlanRow.class).stream()
                .findFirst()
                .flatMap(this::unchanged);
    }

    /**
     * Finds the plans of a model.
     *
     * @param ids ids, or their first digits, at least six
     * @throws UserError (usage) if digits are too few, no hexadecimal digits, or the beginning of no or of several ids,
     *     (input) if a plan's rows have changed since they were written
     */
    public List<Plan> find(String modelId, List<String> ids) {
        for (String id : ids) {
            if (!id.matches("[0-9a-f]{" + SHORTEST + ",}")) {
                throw UserError.usage(
                        id + " is not the id of a plan",
                        "Give an id as prune prints it, or at least its first " + SHORTEST
                                + " digits (0-9, a-f), or all.");
            }
        }
        List<PlanRow> all = rows(warehouse.rows(UncurlTable.PLANS, "model_id", modelId));
        return ids.stream().map(id -> require(one(modelId, all, id))).distinct().toList();
    }

    private static PlanRow one(String modelId, List<PlanRow> all, String id) {
        List<PlanRow> found =
                all.stream().filter(row -> row.planId().startsWith(id)).toList();
        if (found.isEmpty()) {
            throw UserError.usage(
                    "There is no plan " + id + " of model " + modelId,
                    "jobs/submit sql \"SELECT plan_id, task, method, experts_after FROM pruning.plans WHERE model_id = '"
                            + modelId + "'\" lists them; prune --plan-only makes one.");
        }
        if (found.size() > 1) {
            throw UserError.usage(
                    id + " is the beginning of " + found.size() + " plans of model " + modelId + ": "
                            + found.stream().map(PlanRow::planId).collect(Collectors.joining(", ")),
                    "Give more digits.");
        }
        return found.get(0);
    }

    /**
     * All plans that were made on a task for the model as it is now, ordered by method, number of experts and seed.
     *
     * @throws UserError (input) if there are none, or a plan's rows have changed since they were written
     */
    public List<Plan> all(String modelId, String manifestSha256, String task) {
        List<PlanRow> rows = rows(warehouse
                .rows(UncurlTable.PLANS, "model_id", modelId, "task", task)
                .where(col("manifest_sha256").equalTo(manifestSha256)));
        if (rows.isEmpty()) {
            String others = warehouse
                    .rows(UncurlTable.PLANS, "model_id", modelId)
                    .where(col("manifest_sha256").equalTo(manifestSha256))
                    .select("task")
                    .distinct()
                    .collectAsList()
                    .stream()
                    .map(row -> row.getString(0))
                    .sorted()
                    .collect(Collectors.joining(", "));
            throw UserError.input(
                    "There are no plans of model " + modelId + ", as it is now, made on task " + task
                            + (others.isEmpty() ? "" : "; there are plans made on " + others),
                    "Make some with prune --from " + modelId + " --task " + task + " --plan-only, or give their ids.");
        }
        return rows.stream().map(this::require).toList();
    }

    private static List<PlanRow> rows(Dataset<Row> rows) {
        return Records.read(
                rows.orderBy(col("method"), col("experts_after").desc(), col("seed"), col("plan_id")), PlanRow.class);
    }

    private Plan require(PlanRow row) {
        return unchanged(row)
                .orElseThrow(() -> UserError.input(
                        "Plan " + row.planId() + " is not as it was made: its rows in " + UncurlTable.PLANS.id()
                                + " or " + UncurlTable.ASSIGNMENTS.id() + " were changed",
                        "Delete its rows in both tables, then run prune --plan-only with its options again."));
    }

    private Optional<Plan> unchanged(PlanRow row) {
        var inputs = new TreeMap<>(row.parameters());
        inputs.put("split", row.split());
        inputs.put("weights", row.weights());
        inputs.put("budget", row.budget());
        var origin = new Plan.Origin(
                row.modelId(),
                row.manifestSha256(),
                row.task(),
                row.method(),
                row.expertsBefore(),
                row.expertsAfter(),
                row.seed(),
                inputs);
        var rows = warehouse
                .rows(UncurlTable.ASSIGNMENTS, "model_id", row.modelId(), "task", row.task(), "plan_id", row.planId())
                .orderBy("layer", "expert");
        List<ExpertAssignment> assignments = Records.read(rows, AssignmentRow.class).stream()
                .map(assignment -> new ExpertAssignment(
                        assignment.layer(),
                        assignment.expert(),
                        assignment.cluster(),
                        assignment.weight(),
                        assignment.isReference()))
                .toList();
        return Optional.of(new Plan(origin, assignments))
                .filter(plan -> plan.id().equals(row.planId()));
    }
}

package dev.uncurl.jobs;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.error.Refusal;
import dev.uncurl.pruning.Assignment;
import dev.uncurl.pruning.LayerEvidence;
import dev.uncurl.pruning.Plan;
import dev.uncurl.pruning.PlanApplication;
import dev.uncurl.pruning.Planner;
import dev.uncurl.pruning.PruningMethods;
import dev.uncurl.routing.ExpertStatistics;
import dev.uncurl.routing.RouterGram;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;

/** The table side of pruning: evidence from routing.gram and routing.expert_statistics, plans to pruning.assignments. */
final class Pruning {
    private final Warehouse warehouse;

    Pruning(Warehouse warehouse) {
        this.warehouse = warehouse;
    }

    /** @throws Refusal (input) when the task's routing was not dumped for the model as it is */
    Plan plan(
            ModelFolder model,
            String modelId,
            String task,
            String split,
            PruningMethods method,
            int experts,
            long seed) {
        PlanApplication.checkPlain(model);
        PruningMethods.checkKeep(experts, model.config().moe().experts());
        List<Row> grams = warehouse
                .rows(
                        Tables.GRAM,
                        "model_id",
                        modelId,
                        "task",
                        task,
                        "split",
                        split,
                        "manifest_sha256",
                        model.manifestSha256())
                .orderBy("layer")
                .collectAsList();
        if (grams.isEmpty()) {
            throw Refusal.input(
                    "There are no router logits of model " + modelId + ", as it is now, on task " + task + " (" + split
                            + ")",
                    "Run dump-logits --model " + modelId + " --task " + task + " --split " + split + " first.");
        }
        var evidence = new ArrayList<LayerEvidence>();
        for (Row row : grams) {
            long tokens = row.getAs("tokens");
            int layer = row.getAs("layer");
            double[] values = row.<Double>getList(row.fieldIndex("gram")).stream()
                    .mapToDouble(Double::doubleValue)
                    .toArray();
            var gram = new RouterGram(row.<Integer>getAs("experts"), tokens, values);
            evidence.add(new LayerEvidence(layer, gram, statistics(modelId, task, split, layer, tokens)));
        }
        Map<String, String> inputs = Map.of("split", split, "data", grams.get(0).getAs("data"));
        return Planner.plan(modelId, model.manifestSha256(), task, method, evidence, experts, seed, inputs);
    }

    private ExpertStatistics statistics(String modelId, String task, String split, int layer, long tokens) {
        var rows = new ArrayList<ExpertStatistics.Row>();
        for (Row row : warehouse
                .rows(Tables.EXPERT_STATISTICS, "model_id", modelId, "task", task, "split", split, "layer", layer)
                .orderBy("expert")
                .collectAsList()) {
            rows.add(new ExpertStatistics.Row(
                    row.<Integer>getAs("expert"),
                    row.<Long>getAs("tokens"),
                    row.<Double>getAs("fraction"),
                    row.<Double>getAs("gate_mass"),
                    row.<Double>getAs("mean_probability"),
                    row.<Double>getAs("mean_logit"),
                    row.<Double>getAs("output_norm"),
                    row.<Double>getAs("contribution")));
        }
        return ExpertStatistics.of(tokens, rows);
    }

    /** Writes the rows of a plan, unless they are there. */
    void write(Plan plan) {
        Plan.Origin origin = plan.origin();
        Object[] key = {"model_id", origin.modelId(), "task", origin.task(), "plan_id", plan.id()};
        if (!warehouse.rows(Tables.ASSIGNMENTS, key).isEmpty()) {
            return;
        }
        var rows = new ArrayList<Row>();
        for (Assignment assignment : plan.assignments()) {
            rows.add(RowFactory.create(
                    plan.id(),
                    origin.modelId(),
                    origin.manifestSha256(),
                    origin.task(),
                    origin.method(),
                    origin.expertsBefore(),
                    origin.expertsAfter(),
                    origin.seed(),
                    assignment.layer(),
                    assignment.expert(),
                    assignment.cluster(),
                    assignment.weight(),
                    assignment.isReference()));
        }
        var schema = warehouse.table(Tables.ASSIGNMENTS).schema();
        warehouse.replace(Tables.ASSIGNMENTS, warehouse.spark().createDataFrame(rows, schema), key);
    }
}

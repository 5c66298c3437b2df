package dev.uncurl.jobs;

import dev.uncurl.checkpoint.Lineage;
import dev.uncurl.checkpoint.Manifest;
import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.checkpoint.ModelStaging;
import dev.uncurl.config.ModelConfig;
import dev.uncurl.error.Refusal;
import dev.uncurl.pruning.Assignment;
import dev.uncurl.pruning.LayerEvidence;
import dev.uncurl.pruning.Plan;
import dev.uncurl.pruning.PlanApplication;
import dev.uncurl.pruning.Planner;
import dev.uncurl.pruning.PruningMethods;
import dev.uncurl.routing.ExpertStatistics;
import dev.uncurl.routing.RouterGram;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import scala.Tuple2;

/**
 * Plans from routing.gram and routing.expert_statistics, and applies plans as a Spark stage: a task for each cluster that
 * has to be merged, then one for each shard. The driver never holds weights.
 */
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
                    row.<Double>getAs("output_norm")));
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

    /** Makes the pruned model, publishes its folder, and writes its row. */
    ModelFolder apply(ModelFolder source, Plan plan, String modelId, Lineage lineage) throws IOException {
        PlanApplication.check(source, plan);
        ModelConfig pruned = PlanApplication.prunedConfig(source.config(), plan);
        Path folder = warehouse.modelFolder(modelId);
        ModelStaging staging = ModelStaging.create(warehouse.files(), folder, pruned);
        boolean published = false;
        try {
            var reference = ModelCache.Reference.of(warehouse, source);
            var work = new StagedWork(reference, folder.toString(), staging.token(), pruned, plan);
            warehouse.describe("merge clusters of " + modelId);
            List<PlanApplication.Merge> merges = PlanApplication.merges(plan);
            if (!merges.isEmpty()) {
                warehouse.context().parallelize(merges, merges.size()).foreach(work::merge);
            }
            warehouse.describe("assemble shards of " + modelId);
            List<Integer> shards =
                    IntStream.range(0, staging.shards().count()).boxed().toList();
            var written = new HashMap<Integer, Manifest.Entry>();
            warehouse
                    .context()
                    .parallelize(shards, shards.size())
                    .map(shard -> new Tuple2<>(shard, work.assemble(shard)))
                    .collect()
                    .forEach(entry -> written.put(entry._1(), entry._2()));
            ModelFolder model = staging.publish(lineage, written);
            published = true;
            new Models(warehouse).register(modelId, model);
            return model;
        } finally {
            if (!published) {
                staging.discard();
            }
        }
    }

    /** What a task needs to work on a staged model. */
    private record StagedWork(ModelCache.Reference source, String folder, String token, ModelConfig config, Plan plan)
            implements java.io.Serializable {
        private ModelStaging staging() throws IOException {
            var path = new Path(folder);
            return ModelStaging.attach(path.getFileSystem(source.hadoop().value()), path, config, token);
        }

        void merge(PlanApplication.Merge merge) throws IOException {
            PlanApplication.writePiece(source.open(), plan, merge, staging());
        }

        Manifest.Entry assemble(int shard) throws IOException {
            return PlanApplication.assembleShard(source.open(), plan, shard, staging());
        }
    }
}

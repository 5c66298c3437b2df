package dev.uncurl.jobs.prune;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.spark.Progress;
import dev.uncurl.jobs.spark.SparkWork;
import dev.uncurl.jobs.warehouse.ModelCache;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.spec.DType;
import dev.uncurl.pruning.BuiltInMethods;
import dev.uncurl.pruning.MergeOptions;
import dev.uncurl.pruning.Plan;
import dev.uncurl.pruning.PlanCheck;
import dev.uncurl.pruning.RouterRule;
import java.io.IOException;
import java.io.Serializable;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Verifies a pruned model against its parent and its plan, a task per shard. */
public final class PrunedCheck {
    private final Warehouse warehouse;

    public PrunedCheck(Warehouse warehouse) {
        this.warehouse = warehouse;
    }

    /** Whether a model was made by prune. */
    public static boolean isPruned(ModelFolder model) {
        return model.manifest().lineage().stage().equals("prune");
    }

    /** @throws UserError (input) when parent or plan are gone, or the model is not what the plan makes of the parent */
    public PlanCheck.Counts verify(String modelId, ModelFolder model) {
        Map<String, String> inputs = model.manifest().lineage().inputs();
        String parentId = model.manifest().lineage().parentModelId();
        ModelFolder parent = parent(modelId, parentId, inputs.get("parent"));
        Plan plan = plan(modelId, parentId, inputs.get("task"), inputs.get("plan"));
        var options = new MergeOptions(
                RouterRule.recorded(
                        inputs.get("router"), BuiltInMethods.named(plan.origin().method())),
                Boolean.parseBoolean(inputs.getOrDefault("align", "true")),
                DType.named(inputs.getOrDefault("dtype", DType.F32.id()))); // recorded when it is another
        var check = new PlanCheck(parent, plan, options, model);
        var work = new Work(
                ModelCache.Reference.of(warehouse, parent), plan, options, ModelCache.Reference.of(warehouse, model));
        warehouse.describe("verify " + modelId + " against its parent");
        List<Integer> shards = IntStream.range(0, check.shards()).boxed().toList();
        return SparkWork.collect(
                        warehouse.context(),
                        shards,
                        shards.size(),
                        work::check,
                        shard -> 1,
                        new Progress("verify " + modelId, "shards", shards.size()))
                .stream()
                .reduce(new PlanCheck.Counts(0, 0, 0), PlanCheck.Counts::plus);
    }

    private ModelFolder parent(String modelId, String parentId, String manifestSha256) {
        String what = "Pruned model " + modelId + " cannot be compared with its parent " + parentId;
        String remedy = "Put the model that it was pruned from back in its place, or prune again from the one there.";
        ModelFolder parent;
        try {
            parent = new Models(warehouse).open(parentId);
        } catch (UserError e) {
            throw UserError.input(what + ": " + e.getMessage(), remedy, e);
        }
        if (!parent.manifestSha256().equals(manifestSha256)) {
            throw UserError.input(
                    what + ": that has manifest " + parent.manifestSha256() + " now, it had " + manifestSha256, remedy);
        }
        return parent;
    }

    private Plan plan(String modelId, String parentId, String task, String planId) {
        return new PlanTables(warehouse)
                .read(parentId, task, planId)
                .orElseThrow(() -> UserError.input(
                        "Pruned model " + modelId + " cannot be compared with its plan " + planId + ", which is not in "
                                + UncurlTable.PLANS.id() + " or not as it was made",
                        "Remove what is left of it there and in " + UncurlTable.ASSIGNMENTS.id()
                                + ", and run the prune command of its manifest.json again, with --plan-only."));
    }

    /** What a task needs. */
    private record Work(ModelCache.Reference parent, Plan plan, MergeOptions options, ModelCache.Reference pruned)
            implements Serializable {
        PlanCheck.Counts check(int shard) throws IOException {
            return new PlanCheck(parent.open(), plan, options, pruned.open()).check(shard);
        }
    }
}

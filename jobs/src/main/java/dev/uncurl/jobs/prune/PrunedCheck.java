package dev.uncurl.jobs.prune;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.spark.Progress;
import dev.uncurl.jobs.spark.SparkWork;
import dev.uncurl.jobs.warehouse.ModelCache;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.Plans;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.pruning.MergeOptions;
import dev.uncurl.pruning.Plan;
import dev.uncurl.pruning.PlanCheck;
import java.io.IOException;
import java.io.Serializable;
import java.util.List;
import java.util.stream.IntStream;

/** Compares a pruned model with its parent and its plan, in one Spark task per shard. */
public final class PrunedCheck {
    private final Warehouse warehouse;

    public PrunedCheck(Warehouse warehouse) {
        this.warehouse = warehouse;
    }

    /** Whether a model was made by prune. */
    public static boolean isPruned(ModelFolder model) {
        return model.manifest().lineage().stage().equals("prune");
    }

    /** @throws UserError (input) if the parent or the plan is missing or changed, or the model does not follow from them */
    public PlanCheck.Counts verify(String modelId, ModelFolder model) {
        var inputs = PruneInputs.read(model.manifest().lineage().inputs());
        String parentId = model.manifest().lineage().parentModelId();
        ModelFolder parent = parent(modelId, parentId, inputs.parentSha256());
        Plan plan = plan(modelId, parentId, inputs.task(), inputs.planId());
        MergeOptions options = inputs.options();
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
                .reduce(PlanCheck.Counts.NONE, PlanCheck.Counts::plus);
    }

    private ModelFolder parent(String modelId, String parentId, String manifestSha256) {
        String what = "Pruned model " + modelId + " cannot be compared with its parent " + parentId;
        String remedy = "Restore the parent model, or prune the present one again.";
        ModelFolder parent;
        try {
            parent = new Models(warehouse).open(parentId);
        } catch (UserError e) {
            throw UserError.input(what + ": " + e.getMessage(), remedy, e);
        }
        if (!parent.manifestSha256().equals(manifestSha256)) {
            throw UserError.input(
                    what + ", which has manifest " + parent.manifestSha256() + " now; it was pruned from manifest "
                            + manifestSha256,
                    remedy);
        }
        return parent;
    }

    private Plan plan(String modelId, String parentId, String task, String planId) {
        return new Plans(warehouse)
                .read(parentId, task, planId)
                .orElseThrow(() -> UserError.input(
                        "Pruned model " + modelId + " cannot be compared with its plan " + planId + ", which is not in "
                                + UncurlTable.PLANS.id() + " or not as it was made",
                        "Delete its rows there and in " + UncurlTable.ASSIGNMENTS.id()
                                + ". Then run the prune command of its manifest.json with --plan-only."));
    }

    /** The inputs of a task. */
    private record Work(ModelCache.Reference parent, Plan plan, MergeOptions options, ModelCache.Reference pruned)
            implements Serializable {
        PlanCheck.Counts check(int shard) throws IOException {
            return new PlanCheck(parent.open(), plan, options, pruned.open()).check(shard);
        }
    }
}

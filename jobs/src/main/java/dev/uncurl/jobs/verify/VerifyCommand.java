package dev.uncurl.jobs.verify;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cli.WarehouseOptions;
import dev.uncurl.jobs.prune.PrunedCheck;
import dev.uncurl.jobs.routing.RoutingCheck;
import dev.uncurl.jobs.routing.RoutingKey;
import dev.uncurl.jobs.warehouse.CorpusRun;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.spec.DType;
import dev.uncurl.pruning.PlanCheck;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.apache.spark.sql.functions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code jobs/submit verify --model demo-base}, or {@code verify cluster}. */
@Command(
        name = "verify",
        description = {
            "Checks that models and router logits are unchanged since they were written.",
            "Compares a model's manifest with models.registry, its files and tensors with the manifest, a pruned model"
                    + " with its parent and its plan, and the routing statistics and Gram matrices with the router logits,"
                    + " bit for bit. Exit code 3 on a difference."
        },
        subcommands = VerifyClusterCommand.class,
        footer = {"", "  jobs/submit verify --model demo-base --task superglue/boolq", "  jobs/submit verify cluster"})
public final class VerifyCommand implements Callable<Integer> {
    @Mixin
    private WarehouseOptions warehouseOptions;

    @Option(names = "--model", paramLabel = "ID", description = "Model to check.")
    private String modelId;

    @Option(
            names = "--task",
            paramLabel = "TASK",
            description = "Check only the dump of this task (default: of all tasks).")
    private String task;

    @Override
    public Integer call() {
        if (modelId == null) { // not required in picocli, which would also require it for 'verify cluster'
            throw UserError.usage("verify has no model", "Add --model ID.");
        }
        Warehouse warehouse = warehouseOptions.open();
        ModelFolder model = new Models(warehouse).open(modelId);
        try {
            model.verify();
        } catch (IOException e) {
            throw new UncheckedIOException("reading model " + modelId, e);
        }
        System.out.printf(
                Locale.ROOT,
                "Model %s: %d files, %,d bytes are unchanged since it was registered%n",
                modelId,
                model.manifest().files().size(),
                model.bytes());
        if (PrunedCheck.isPruned(model)) {
            PlanCheck.Counts counts = new PrunedCheck(warehouse).verify(modelId, model);
            System.out.printf(
                    Locale.ROOT,
                    "  equals its plan applied to %s: %d tensors copied bit for bit,%s %d merged, %d routers%n",
                    model.manifest().lineage().parentModelId(),
                    counts.copied(),
                    converted(model, counts),
                    counts.merged(),
                    counts.routers());
        }
        List<RoutingKey> dumps = dumps(warehouse);
        if (task != null && dumps.isEmpty()) {
            throw UserError.input(
                    "There are no router logits of " + modelId + " on " + task, "Run dump-logits for it first.");
        }
        var check = new RoutingCheck(warehouse);
        for (RoutingKey dump : dumps) {
            warehouse.describe("verify router logits of " + dump);
            String data = CorpusRun.ids(List.of(CorpusRun.ofTask(warehouse, dump.task())));
            check.verify(dump, model.manifestSha256(), data);
        }
        return 0;
    }

    /** Tensors whose values were converted to another type: every value is exact in F32, and rounded in the other types. */
    private static String converted(ModelFolder model, PlanCheck.Counts counts) {
        if (counts.converted() == 0) {
            return "";
        }
        String how = model.dtype() == DType.F32 ? "converted exactly" : "rounded";
        return " " + counts.converted() + " " + how + " to " + model.dtype().id() + ",";
    }

    private List<RoutingKey> dumps(Warehouse warehouse) {
        var keys = warehouse
                .rows(UncurlTable.GRAM, "model_id", modelId)
                .where(
                        task == null
                                ? functions.lit(true)
                                : functions.col("task").equalTo(task))
                .select(Records.columns(RoutingKey.class))
                .distinct()
                .orderBy("task", "split");
        return Records.read(keys, RoutingKey.class);
    }
}

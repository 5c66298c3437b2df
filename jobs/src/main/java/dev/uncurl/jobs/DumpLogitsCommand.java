package dev.uncurl.jobs;

import static org.apache.spark.sql.functions.col;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.error.Refusal;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code jobs/submit dump-logits --model demo-base --task superglue/boolq}. */
@Command(
        name = "dump-logits",
        description =
                "Records what a model's routers do on a task: routing.logits, routing.expert_statistics, routing.gram.",
        footer = {"", "  jobs/submit dump-logits --model demo-base --task superglue/boolq --tokens 100000"})
final class DumpLogitsCommand implements Callable<Integer> {
    @Mixin
    private WarehouseOptions warehouseOptions;

    @Option(names = "--model", paramLabel = "ID", required = true, description = "Model with experts.")
    private String modelId;

    @Option(names = "--task", paramLabel = "TASK", required = true, description = "Task, such as superglue/boolq.")
    private String task;

    @Option(names = "--split", defaultValue = "train", description = "Split (default: ${DEFAULT-VALUE}).")
    private String split;

    @Option(
            names = "--tokens",
            defaultValue = "0",
            description = "Sample: the first whole examples by hash that make so many tokens (default: all).")
    private long tokens;

    @Override
    public Integer call() {
        Warehouse warehouse = warehouseOptions.open();
        ModelFolder model = new Models(warehouse).open(modelId);
        if (model.config().moeLayers().length == 0) {
            throw Refusal.usage("Model " + modelId + " has no experts", "Name a model with moe.experts above 0.");
        }
        CorpusRun run = CorpusRun.ofTask(warehouse, task);
        run.requireTokenizer(model.manifest().lineage().inputs().get("tokenizer"), modelId);
        try (var hold = warehouse.hold("routing-" + modelId + "-" + task)) {
            var dump = new RoutingDump(warehouse);
            RoutingDump.Extent extent = dump.extent(model.config(), task, split, tokens);
            String data = CorpusRun.ids(java.util.List.of(run));
            if (isDumped(warehouse, model, extent, data)) {
                System.out.println(
                        "Router logits of " + modelId + " on " + task + " (" + split + ") are there already: reused.");
                return 0;
            }
            dump.requireRoom(extent);
            warehouse.describe("dump router logits of " + modelId + " on " + task);
            dump.write(model, modelId, task, split, extent);
            warehouse.describe("sum router logits of " + modelId + " on " + task);
            new RoutingAggregation(warehouse).write(modelId, model.manifestSha256(), task, split, data);
            System.out.printf(
                    "Dumped %,d rows of router logits of %s on %s (%s), with statistics and Gram matrices%n",
                    extent.rows(), modelId, task, split);
        }
        return 0;
    }

    /** The Gram matrices are written last: when they are there for all these tokens, everything is. */
    private boolean isDumped(Warehouse warehouse, ModelFolder model, RoutingDump.Extent extent, String data) {
        var grams = warehouse.rows(
                Tables.GRAM,
                "model_id",
                modelId,
                "task",
                task,
                "split",
                split,
                "data",
                data,
                "manifest_sha256",
                model.manifestSha256());
        return !grams.isEmpty()
                && grams.where(col("tokens").notEqual(extent.tokens())).isEmpty();
    }
}

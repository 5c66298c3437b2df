package dev.uncurl.jobs.evaluate;

import dev.uncurl.config.Range;
import dev.uncurl.corpus.Split;
import dev.uncurl.error.UserError;
import dev.uncurl.evaluation.Latency;
import dev.uncurl.jobs.cli.WarehouseOptions;
import dev.uncurl.jobs.output.Digits;
import dev.uncurl.jobs.warehouse.ModelCache;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.LatencyRow;
import dev.uncurl.jobs.warehouse.row.ResultRow;
import dev.uncurl.model.spec.ModelConfig;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code jobs/submit evaluate --model demo-base --task superglue/boolq}. */
@Command(
        name = "evaluate",
        description = "Scores models on a task or on corpora: loss per token, accuracy, time per batch.",
        footer = {
            "",
            "  jobs/submit evaluate --model demo-base --task superglue/boolq --limit 200",
            "  jobs/submit evaluate --model demo-pruned --against demo-base --task superglue/boolq --limit 200"
        })
public final class EvaluateCommand implements Callable<Integer> {
    private static final int TIMED_PASSES = 20;

    @Mixin
    private WarehouseOptions warehouseOptions;

    @Option(names = "--model", paramLabel = "ID", required = true, description = "Model; repeat for more.")
    private List<String> models;

    @Option(
            names = "--task",
            paramLabel = "TASK",
            required = true,
            description =
                    "Task (superglue/boolq), corpus with all of its tasks (flan), or corpora joined by + (cc100+mc4).")
    private String task;

    @Option(
            names = "--split",
            defaultValue = "validation",
            description = "train or validation (default: ${DEFAULT-VALUE}).")
    private Split split;

    @Option(
            names = "--limit",
            defaultValue = "0",
            description = "The most examples or sequences to score, over all tasks or corpora together: the first ones"
                    + " (default: all).")
    private int limit;

    @Option(
            names = "--latency-batch",
            defaultValue = "0",
            description = "Also time forward passes of this many sequences in one thread (default: no timing).")
    private int latencyBatch;

    @Mixin
    private AgainstOptions against;

    @Override
    public Integer call() {
        Range.LIMIT_OPTION.check(limit);
        Range.LATENCY_BATCH_OPTION.check(latencyBatch);
        against.check();
        if (new HashSet<>(models).size() < models.size()) {
            throw UserError.usage("--model names a model twice: " + String.join(", ", models), "Name each model once.");
        }
        Warehouse warehouse = warehouseOptions.open();
        List<String> names = ScoringInputs.names(warehouse, task);
        var evaluation = new Evaluation(warehouse);
        var text = new ResultText(warehouse, task, split.label());
        var compared = new ArrayList<ResultRow>();
        for (ScoredModel model : subjects(warehouse)) {
            List<ResultRow> results = evaluation.evaluate(model, names, split.label(), limit, StopRule.NEVER);
            compared.addAll(results);
            System.out.print(text.of(results));
            if (latencyBatch > 0) {
                time(warehouse, model.id());
            }
        }
        against.compare(warehouse, compared);
        return 0;
    }

    /** What is scored, in this order. All models are opened and checked before the first is scored. */
    private List<ScoredModel> subjects(Warehouse warehouse) {
        return against.withBaseline(models).stream()
                .map(model -> ScoredModel.registered(warehouse, model))
                .toList();
    }

    private void time(Warehouse warehouse, String modelId) {
        var folder = new Models(warehouse).open(modelId);
        String sha256 = folder.manifestSha256();
        if (!warehouse
                .rows(UncurlTable.LATENCY, "model_id", modelId, "batch", latencyBatch, "manifest_sha256", sha256)
                .isEmpty()) {
            System.out.println("Latency of " + modelId + " is there already: reused.");
            return;
        }
        var loaded = ModelCache.Reference.of(warehouse, folder).load();
        ModelConfig config = loaded.config();
        Latency latency = Latency.measure(config, loaded.parameters(), latencyBatch, TIMED_PASSES);
        var row = new LatencyRow(
                modelId,
                1,
                latency.batch(),
                latency.sequenceLength(),
                config.moe().experts(),
                latency.p50Millis(),
                latency.p95Millis(),
                latency.tokensPerSecond(),
                latency.parts(),
                sha256);
        Records.replace(warehouse, UncurlTable.LATENCY, List.of(row), "model_id", modelId);
        System.out.printf(
                Locale.ROOT,
                "forward of %d x %d tokens in one thread: median %s ms, 95th percentile %s ms%n",
                latency.batch(),
                latency.sequenceLength(),
                Digits.of(latency.p50Millis()),
                Digits.of(latency.p95Millis()));
    }
}

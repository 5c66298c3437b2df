package dev.uncurl.jobs.evaluate;

import dev.uncurl.config.Range;
import dev.uncurl.corpus.Split;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cli.WarehouseOptions;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.ResultRow;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code jobs/submit evaluate --model demo-base --task superglue/boolq}. */
@Command(
        name = "evaluate",
        customSynopsis = "uncurl evaluate --model=ID [--model=ID]... [--task=TASK] [OPTION]...",
        description =
                "Scores models on a task or on corpora, and plans of them without making models; compares them on the"
                        + " same examples; times forward passes.",
        footer = {
            "",
            "  jobs/submit evaluate --model demo-base --task superglue/boolq --limit 200",
            "  jobs/submit evaluate --model demo-base --task flan --plan all --router all --against demo-base",
            "  jobs/submit evaluate --model demo-base --model demo-pruned --latency"
        })
public final class EvaluateCommand implements Callable<Integer> {
    @Mixin
    private WarehouseOptions warehouseOptions;

    @Option(names = "--model", paramLabel = "ID", required = true, description = "Model; repeat for more.")
    private List<String> models;

    @Option(
            names = "--task",
            paramLabel = "TASK",
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
            paramLabel = "N",
            description = "Score the first N examples or sequences, over all tasks or corpora (default: all).")
    private int limit;

    @Mixin
    private PlanChoice planChoice;

    @Mixin
    private AgainstOptions against;

    @Mixin
    private StopWhen stopWhen;

    @Mixin
    private LatencyOptions latency;

    @Option(
            names = "--expert-parallel",
            paramLabel = "P",
            defaultValue = "1",
            description = "Divide the experts among P tasks: for a large model (default: 1).")
    private int expertParallel;

    @Override
    public Integer call() {
        check();
        Warehouse warehouse = warehouseOptions.open();
        latency.measure(warehouse, models, expertParallel);
        if (task != null) {
            score(warehouse);
        }
        return 0;
    }

    private void check() {
        Range.LIMIT_OPTION.check(limit);
        Range.EXPERT_PARALLEL_OPTION.check(expertParallel);
        latency.check();
        if (task == null && !latency.requested()) {
            throw UserError.usage("evaluate has no task", "Add --task TASK, such as superglue/boolq, or --latency.");
        }
        if (new HashSet<>(models).size() < models.size()) {
            throw UserError.usage("--model names a model twice: " + String.join(", ", models), "Name each model once.");
        }
        against.check(stopWhen.isGiven());
        planChoice.check(models);
        stopWhen.check(planChoice.isGiven() || against.isGiven());
    }

    private void score(Warehouse warehouse) {
        List<String> names = ScoringInputs.names(warehouse, task);
        var evaluation = Evaluation.divided(warehouse, expertParallel);
        var text = new ResultText(warehouse, task, split.label());
        List<ScoredModel> scored = against.withBaseline(warehouse, planChoice.models(warehouse, models, task));
        var compared = new ArrayList<ResultRow>();
        StopRule rule = StopRule.NEVER; // for the baseline, which comes first
        for (ScoredModel model : scored) {
            List<ResultRow> results = evaluation.evaluate(model, names, split.label(), limit, rule);
            compared.addAll(results);
            System.out.print(text.of(results));
            rule = stopWhen.next(warehouse, compared, against.margin());
        }
        against.compare(warehouse, compared);
    }
}

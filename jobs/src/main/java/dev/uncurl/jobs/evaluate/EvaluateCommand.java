package dev.uncurl.jobs.evaluate;

import dev.uncurl.config.Range;
import dev.uncurl.corpus.Split;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cli.WarehouseOptions;
import dev.uncurl.jobs.output.TextTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.ResultRow;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code jobs/submit evaluate --model demo-base --task superglue/boolq}. */
@Command(
        name = "evaluate",
        description = "Scores models on a task or on corpora: loss per token, accuracy, time per batch.",
        footer = {"", "  jobs/submit evaluate --model demo-base --task superglue/boolq --limit 200"})
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
            description = "The most examples or sequences to score, over all tasks or corpora together: the first ones"
                    + " (default: all).")
    private int limit;

    @Mixin
    private LatencyOptions latency;

    @Override
    public Integer call() {
        Range.LIMIT_OPTION.check(limit);
        latency.check();
        if (task == null && !latency.requested()) {
            throw UserError.usage("evaluate has no task", "Add --task TASK, such as superglue/boolq, or --latency.");
        }
        if (new HashSet<>(models).size() < models.size()) {
            throw UserError.usage("--model names a model twice: " + String.join(", ", models), "Name each model once.");
        }
        Warehouse warehouse = warehouseOptions.open();
        latency.measure(warehouse, models);
        if (task == null) {
            return 0;
        }
        var evaluation = new Evaluation(warehouse);
        List<String> names = ScoringInputs.names(warehouse, task);
        for (String model : models) {
            List<ResultRow> results = evaluation.evaluate(model, names, split.label(), limit);
            System.out.println(model + " on " + task + " (" + split.label() + "): "
                    + results.get(0).data());
            System.out.print(TextTable.of(
                    List.of("metric", "value", "standard error", "n", "majority", "constant"),
                    results.stream()
                            .map(row -> new Object[] {
                                row.metric(),
                                row.value(),
                                row.standardError(),
                                row.n(),
                                row.majorityBaseline().orElse(null),
                                row.constantPredictor().orElse(null)
                            })
                            .toList()));
            System.out.print(leftOut(results.get(0)));
            System.out.print(RejectedRows.line(
                    warehouse, task, split.label(), results.get(0).rowsRejected()));
        }
        return 0;
    }

    /** A line for examples that were cut and one for examples that were not scored; empty if there are none. */
    private static String leftOut(ResultRow result) {
        var lines = new StringBuilder();
        append(
                lines,
                result.examplesCut(),
                "%,d were longer than the context of the model: only their last tokens were used");
        append(lines, result.examplesRefused(), "%,d were not scored: an answer leaves no room for its prompt");
        return lines.toString();
    }

    private static void append(StringBuilder lines, Optional<Long> count, String format) {
        count.filter(some -> some > 0).ifPresent(some -> lines.append("  ")
                .append(String.format(Locale.ROOT, format, some))
                .append('\n'));
    }
}

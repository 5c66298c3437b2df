package dev.uncurl.jobs.report;

import dev.uncurl.corpus.Split;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cli.WarehouseOptions;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code jobs/submit report --task superglue/boolq}, or {@code report routing ...}. */
@Command(
        name = "report",
        description = {
            "Prints what pruning costs on a task: the newest comparison with each baseline, and the finetuned models.",
            "Finetuned models are in the same table only if data, prompts and numbers of examples are the same."
        },
        subcommands = {RoutingReportCommand.class, StudyReportCommand.class, SweepReportCommand.class},
        footer = {
            "",
            "  jobs/submit report --task superglue/boolq",
            "  jobs/submit report routing --model demo-base --task superglue/boolq",
            "  jobs/submit report study --model demo-base --task superglue/boolq",
            "  jobs/submit report sweep --sweep demo"
        })
public final class ReportCommand implements Callable<Integer> {
    private static final String FRONTIER =
            """
            SELECT * FROM pruning_frontier WHERE task = :task AND split = :split
            ORDER BY data, prompt_version, n, loss_tokens, experts DESC, method, model_id""";

    private static final String RESULTS =
            """
            SELECT model_id, data, prompt_version, loss, loss_tokens, accuracy, constant, majority, n FROM model_results
            JOIN uncurl.models.registry USING (model_id, manifest_sha256)
            WHERE task = :task AND split = :split ORDER BY model_id, data, prompt_version""";

    @Mixin
    private WarehouseOptions warehouseOptions;

    @Option(names = "--task", paramLabel = "TASK", description = "Task, such as superglue/boolq.")
    private String task;

    @Option(
            names = "--split",
            defaultValue = "validation",
            description = "Split, train or validation (default: ${DEFAULT-VALUE}).")
    private Split split;

    @Override
    public Integer call() {
        if (task == null) { // not required in picocli, which would also require it for 'report routing'
            throw UserError.usage("report has no task", "Add --task TASK, such as superglue/boolq.");
        }
        Warehouse warehouse = warehouseOptions.open();
        warehouse.describe("report " + task);
        List<StoredComparison> comparisons = StoredComparison.newest(warehouse, task, split.label());
        List<Row> rows = rows(warehouse, FRONTIER).collectAsList();
        if (rows.isEmpty() && comparisons.isEmpty()) {
            throw UserError.input(
                    "There are no comparisons and no results of finetuned models on " + task + " (" + split.label()
                            + ")",
                    "Run evaluate --against for it first, or finetune and evaluate.");
        }
        requireUnchanged(
                warehouse,
                Stream.concat(
                        rows.stream()
                                .flatMap(row ->
                                        Stream.of(row.<String>getAs("model_id"), row.<String>getAs("parent_model_id"))),
                        comparisons.stream()
                                .flatMap(comparison -> comparison.rows().stream())
                                .flatMap(row -> row.models().stream())));
        TaskData data = TaskData.of(warehouse, task);
        comparisons.forEach(comparison -> System.out.println(ComparisonTable.of(comparison, data)));
        if (!rows.isEmpty()) {
            System.out.println(
                    task + " (" + split.label()
                            + "): loss in nats per token of prompt and answer, accuracy as a share, before and after finetuning");
            new FrontierTable(rows, data).print();
            FrontierTable.printApart(rows(warehouse, RESULTS).collectAsList(), rows);
        }
        return 0;
    }

    private Dataset<Row> rows(Warehouse warehouse, String query) {
        return warehouse.sql(query, Map.of("task", task, "split", split.label()));
    }

    /** @throws UserError (input) if the folder of a model in the report has changed since it was evaluated */
    private static void requireUnchanged(Warehouse warehouse, Stream<String> modelIds) {
        var models = new Models(warehouse);
        modelIds.distinct()
                .forEach(model -> models.registered(model).ifPresent(sha256 -> models.requireUnchanged(model, sha256)));
    }
}

package dev.uncurl.jobs;

import dev.uncurl.error.Refusal;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code jobs/submit report --task superglue/boolq}, or {@code report routing ...}. */
@Command(
        name = "report",
        description = "Prints the finetuned models of a task beside each other: what pruning cost and saved.",
        subcommands = RoutingReportCommand.class,
        footer = {
            "",
            "  jobs/submit report --task superglue/boolq",
            "  jobs/submit report routing --model demo-base --task superglue/boolq"
        })
final class ReportCommand implements Callable<Integer> {
    private static final String TABLE =
            """
            SELECT model_id, method, router, experts, parameters, bytes, loss_before, loss_after, accuracy_before,
              accuracy_after, standard_error, n, majority, constant, ms_per_batch
            FROM pruning_frontier WHERE task = :task AND split = :split ORDER BY experts DESC, method, model_id""";

    @Mixin
    private WarehouseOptions warehouseOptions;

    @Option(names = "--task", paramLabel = "TASK", description = "Task, such as superglue/boolq.")
    private String task;

    @Option(names = "--split", defaultValue = "validation", description = "Split (default: ${DEFAULT-VALUE}).")
    private String split;

    @Override
    public Integer call() {
        if (task == null) { // not for picocli to require: it would of 'report routing' too
            throw Refusal.usage("report has no task to tell of", "Add --task TASK, such as superglue/boolq.");
        }
        Warehouse warehouse = warehouseOptions.open();
        warehouse.describe("report " + task);
        Dataset<Row> rows = warehouse.spark().sql(TABLE, Map.of("task", task, "split", split));
        if (rows.isEmpty()) {
            throw Refusal.input(
                    "There are no results of finetuned models on " + task + " (" + split + ")",
                    "Run finetune and evaluate for it first.");
        }
        System.out.println(task + " (" + split
                + "): loss in nats per token of prompt and answer, accuracy as a share, before and after finetuning");
        System.out.print(TextTable.of(rows, 1000));
        return 0;
    }
}

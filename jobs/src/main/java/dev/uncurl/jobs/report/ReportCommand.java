package dev.uncurl.jobs.report;

import dev.uncurl.corpus.Split;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cli.WarehouseOptions;
import dev.uncurl.jobs.evaluate.ScoringInputs;
import dev.uncurl.jobs.output.TextTable;
import dev.uncurl.jobs.warehouse.CorpusRun;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.Collectors;
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
            "Prints a table of the finetuned models of a task: the cost and savings of pruning.",
            "Models are in the same table only if data, prompts and numbers of examples are the same."
        },
        subcommands = RoutingReportCommand.class,
        footer = {
            "",
            "  jobs/submit report --task superglue/boolq",
            "  jobs/submit report routing --model demo-base --task superglue/boolq"
        })
public final class ReportCommand implements Callable<Integer> {
    private static final String FRONTIER =
            """
            SELECT * FROM pruning_frontier WHERE task = :task AND split = :split
            ORDER BY data, prompt_version, n, loss_tokens, experts DESC, method, model_id""";

    private static final String RESULTS =
            """
            SELECT model_id, data, prompt_version, loss, loss_tokens, accuracy, n FROM model_results
            JOIN uncurl.models.registry USING (model_id, manifest_sha256)
            WHERE task = :task AND split = :split ORDER BY model_id, data, prompt_version""";

    private static final List<String> COLUMNS = List.of(
            "model_id",
            "method",
            "router",
            "experts",
            "parameters",
            "bytes",
            "loss_before",
            "loss_after",
            "accuracy_before",
            "accuracy_after",
            "standard_error",
            "n",
            "majority",
            "constant");

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
        List<Row> rows = rows(warehouse, FRONTIER).collectAsList();
        if (rows.isEmpty()) {
            throw UserError.input(
                    "There are no results of finetuned models on " + task + " (" + split.label() + ")",
                    "Run finetune and evaluate for it first.");
        }
        requireUnchanged(warehouse, rows);
        System.out.println(task + " (" + split.label()
                + "): loss in nats per token of prompt and answer, accuracy as a share, before and after finetuning");
        Map<List<Object>, List<Row>> comparable = grouped(
                rows,
                row -> Arrays.asList(
                        row.getAs("data"), row.getAs("prompt_version"), row.getAs("n"), row.getAs("loss_tokens")));
        comparable.forEach((same, group) -> {
            System.out.println(data(warehouse, (String) same.get(0)));
            print(group);
        });
        printApart(rows(warehouse, RESULTS).collectAsList(), rows);
        return 0;
    }

    private Dataset<Row> rows(Warehouse warehouse, String query) {
        return warehouse.spark().sql(query, Map.of("task", task, "split", split.label()));
    }

    /** @throws UserError (input) if the folder of a model in the report has changed since it was evaluated */
    private static void requireUnchanged(Warehouse warehouse, List<Row> rows) {
        var models = new Models(warehouse);
        rows.stream()
                .flatMap(row -> Stream.of(row.<String>getAs("model_id"), row.<String>getAs("parent_model_id")))
                .distinct()
                .forEach(model -> models.registered(model).ifPresent(sha256 -> models.requireUnchanged(model, sha256)));
    }

    /** The line above a table: the data of the evaluation, and whether the task has other data now. */
    private String data(Warehouse warehouse, String data) {
        String now = CorpusRun.ids(CorpusRun.ofAll(warehouse, ScoringInputs.names(warehouse, task)));
        boolean current = data.equals(now) || data.startsWith(now + " first ");
        return "Data: " + data + (current ? "" : " (the task was tokenised again, as " + now + ")");
    }

    /** Prints comparable rows, with times where one run has timed all of them; see pruning_frontier. */
    private static void print(List<Row> rows) {
        boolean timed = rows.get(0).getAs("latency_run_id") != null;
        var names = new ArrayList<>(COLUMNS);
        if (timed) {
            names.add("ms_per_batch");
        }
        System.out.print(TextTable.of(
                names,
                rows.stream()
                        .map(row -> names.stream()
                                .map(name -> (Object) row.getAs(name))
                                .toArray())
                        .toList()));
        System.out.println(timed ? setting(rows.get(0)) : untimed(rows));
    }

    /** The setting of the times of a table. */
    private static String setting(Row row) {
        int executors = row.<Integer>getAs("latency_executors");
        return "ms_per_batch: median time of a batch of " + row.getAs("latency_batch") + " sequences of "
                + row.getAs("latency_sequence_length") + " tokens in " + executors + " process"
                + (executors == 1 ? "" : "es") + ", models timed in turn (run " + row.getAs("latency_run_id") + ")";
    }

    private static String untimed(List<Row> rows) {
        return "No times, because no run timed all of these models in turn. To time them: evaluate --latency "
                + rows.stream().map(row -> "--model " + row.getAs("model_id")).collect(Collectors.joining(" "));
    }

    /** Prints results of parents that no row of the tables has as its values before finetuning. */
    private static void printApart(List<Row> results, List<Row> frontier) {
        List<Object[]> apart = results.stream()
                .filter(result -> frontier.stream()
                        .anyMatch(row -> result.getAs("model_id").equals(row.getAs("parent_model_id"))))
                .filter(result -> frontier.stream()
                        .noneMatch(row -> result.getAs("model_id").equals(row.getAs("parent_model_id"))
                                && row.getAs("loss_before") != null
                                && Stream.of("data", "prompt_version", "n", "loss_tokens")
                                        .allMatch(name -> Objects.equals(result.getAs(name), row.getAs(name)))))
                .map(result -> Stream.of("model_id", "data", "loss", "loss_tokens", "accuracy", "n")
                        .map(name -> (Object) result.getAs(name))
                        .toArray())
                .toList();
        if (!apart.isEmpty()) {
            System.out.println(
                    "Parents that were evaluated on other data, or on another number of examples or tokens, and so do"
                            + " not compare:");
            System.out.print(TextTable.of(List.of("model_id", "data", "loss", "loss_tokens", "accuracy", "n"), apart));
        }
    }

    private static <K> Map<K, List<Row>> grouped(List<Row> rows, Function<Row, K> key) {
        return rows.stream().collect(Collectors.groupingBy(key, LinkedHashMap::new, Collectors.toList()));
    }
}

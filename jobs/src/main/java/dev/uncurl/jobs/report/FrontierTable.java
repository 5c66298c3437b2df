package dev.uncurl.jobs.report;

import dev.uncurl.jobs.output.Digits;
import dev.uncurl.jobs.output.TextTable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.sql.Row;

/**
 * Prints finetuned models with their parents: a table for each set of data, prompt version and number of examples. An
 * accuracy never stands without its flag: the model always gives the same answer, or is below the majority line.
 *
 * @param rows of the view pruning_frontier, at least one
 */
record FrontierTable(List<Row> rows, TaskData data) {
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
            "majority");

    void print() {
        Map<List<Object>, List<Row>> comparable = grouped(
                rows,
                row -> Arrays.asList(
                        row.getAs("data"), row.getAs("prompt_version"), row.getAs("n"), row.getAs("loss_tokens")));
        comparable.forEach((same, group) -> {
            System.out.println(data.describe((String) same.get(0)));
            print(group);
        });
        printFlagged();
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
                        .map(row -> names.stream().map(name -> cell(row, name)).toArray())
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
    static void printApart(List<Row> results, List<Row> frontier) {
        List<Object[]> apart = results.stream()
                .filter(result -> frontier.stream()
                        .anyMatch(row -> result.getAs("model_id").equals(row.getAs("parent_model_id"))))
                .filter(result -> frontier.stream()
                        .noneMatch(row -> result.getAs("model_id").equals(row.getAs("parent_model_id"))
                                && row.getAs("loss_before") != null
                                && Stream.of("data", "prompt_version", "n", "loss_tokens")
                                        .allMatch(name -> Objects.equals(result.getAs(name), row.getAs(name)))))
                .map(result -> Stream.of("model_id", "data", "loss", "loss_tokens", "accuracy", "n")
                        .map(name -> cell(result, name))
                        .toArray())
                .toList();
        if (!apart.isEmpty()) {
            System.out.println(
                    "Parents that were evaluated on other data, or on another number of examples or tokens, and so do"
                            + " not compare:");
            System.out.print(TextTable.of(List.of("model_id", "data", "loss", "loss_tokens", "accuracy", "n"), apart));
        }
    }

    private static Object cell(Row row, String name) {
        Object value = row.getAs(name);
        String flag = name.startsWith("accuracy") ? flag(row, name) : "";
        return flag.isEmpty() ? value : Digits.of((Double) value) + " " + flag;
    }

    /** @param accuracy name of a column */
    private static String flag(Row row, String accuracy) {
        Double value = row.getAs(accuracy);
        Boolean constant = row.getAs(accuracy.equals("accuracy_before") ? "constant_before" : "constant");
        Double majority = row.getAs("majority");
        if (value == null) {
            return "";
        }
        return Boolean.TRUE.equals(constant)
                ? "constant"
                : majority != null && value < majority ? "below majority" : "";
    }

    /** Says in words which accuracies say nothing about pruning. */
    private void printFlagged() {
        printFlagged("Always the same answer, so that the accuracy says nothing about pruning", "constant"::equals);
        printFlagged(
                "Below the majority line: the same answer to everything would score higher", "below majority"::equals);
    }

    private void printFlagged(String sentence, Predicate<String> flag) {
        String models = rows.stream()
                .flatMap(row -> Stream.of("accuracy_before", "accuracy_after")
                        .filter(accuracy -> flag.test(flag(row, accuracy)))
                        .map(accuracy -> row.<String>getAs("model_id")
                                + (accuracy.equals("accuracy_before") ? " before finetuning" : "")))
                .distinct()
                .collect(Collectors.joining(", "));
        if (!models.isEmpty()) {
            System.out.println(sentence + ": " + models + ".");
        }
    }

    private static <K> Map<K, List<Row>> grouped(List<Row> rows, Function<Row, K> key) {
        return rows.stream().collect(Collectors.groupingBy(key, LinkedHashMap::new, Collectors.toList()));
    }
}

package dev.uncurl.jobs.report;

import static org.apache.spark.sql.functions.col;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.CorpusRun;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.ExpertStatisticsRow;
import dev.uncurl.jobs.warehouse.row.GramRow;
import dev.uncurl.pruning.RouterRule;
import dev.uncurl.routing.LayerRouting;
import dev.uncurl.routing.RouterGram;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Reads what dump-logits stored of the routing of tasks by one model. */
record RoutingReader(Warehouse warehouse, String modelId, String split) {
    /** Whether the router logits of a task were dumped. */
    boolean has(String task) {
        return !warehouse.rows(UncurlTable.GRAM, key(task)).isEmpty();
    }

    /**
     * @throws UserError (input) if a dump is missing, or if the dumps were made from another model than the one that has the
     *     name now
     */
    List<TaskRouting> read(List<String> tasks) {
        var routings = new ArrayList<TaskRouting>();
        var manifests = new TreeSet<String>();
        for (String task : tasks) {
            routings.add(read(task, manifests));
        }
        requireRegistered(tasks, manifests);
        if (manifests.size() > 1) {
            throw UserError.input(
                    "The router logits of " + String.join(" and ", tasks)
                            + " were dumped from different versions of model " + modelId + " (manifests "
                            + String.join(", ", manifests) + ")",
                    "Run dump-logits --model " + modelId + " for each of the tasks again.");
        }
        return routings;
    }

    private void requireRegistered(List<String> tasks, Set<String> manifests) {
        var models = new Models(warehouse);
        String registered = models.registered(modelId).orElse("no model");
        for (String manifest : manifests) {
            if (!manifest.equals(registered)) {
                throw UserError.input(
                        "The router logits of " + String.join(" and ", tasks) + " were dumped from model " + modelId
                                + " with manifest " + manifest + "; in models.registry it now has " + registered,
                        "Run dump-logits --model " + modelId + " for each of the tasks again.");
            }
            models.requireUnchanged(modelId, manifest);
        }
    }

    private Object[] key(String task) {
        return new Object[] {"model_id", modelId, "task", task, "split", split};
    }

    private TaskRouting read(String task, Set<String> manifests) {
        Map<Integer, List<Long>> choices = Records.read(
                        warehouse.rows(UncurlTable.EXPERT_STATISTICS, key(task)).orderBy("layer", "expert"),
                        ExpertStatisticsRow.class)
                .stream()
                .collect(Collectors.groupingBy(
                        ExpertStatisticsRow::layer,
                        Collectors.mapping(ExpertStatisticsRow::tokens, Collectors.toList())));
        Map<Integer, Set<Integer>> masked = dropped(RouterRule.MASK);
        Map<Integer, Set<Integer>> zeroed = dropped(RouterRule.ZERO);
        var layers = new ArrayList<LayerRouting>();
        var data = new TreeSet<String>();
        var grams = warehouse.rows(UncurlTable.GRAM, key(task)).orderBy("layer");
        for (GramRow row : Records.read(grams, GramRow.class)) {
            manifests.add(row.manifestSha256());
            data.add(row.data());
            layers.add(new LayerRouting(
                    row.layer(),
                    choices.getOrDefault(row.layer(), List.of()),
                    new RouterGram(row.experts(), row.tokens(), row.gram()),
                    masked.getOrDefault(row.layer(), Set.of()),
                    zeroed.getOrDefault(row.layer(), Set.of())));
        }
        if (layers.isEmpty()) {
            throw UserError.input(
                    "There are no router logits of model " + modelId + " on task " + task + " (" + split + ")",
                    "Run dump-logits --model " + modelId + " --task " + task + " --split " + split + " first.");
        }
        return new TaskRouting(task, layers, dataNote(task, String.join(" and ", data)));
    }

    /** The dropped experts of the model whose router rows stay under a rule, by layer. */
    private Map<Integer, Set<Integer>> dropped(RouterRule rule) {
        return warehouse
                .sql("SELECT * FROM dropped_experts")
                .where(col("model_id").equalTo(modelId).and(col("router").equalTo(rule.id())))
                .collectAsList()
                .stream()
                .collect(Collectors.groupingBy(
                        row -> row.<Integer>getAs("layer"),
                        Collectors.mapping(row -> row.<Integer>getAs("expert"), Collectors.toSet())));
    }

    /** A sentence about the data of the dump; also printed if the task was tokenised again after the dump. */
    private String dataNote(String task, String data) {
        String now = CorpusRun.ids(List.of(CorpusRun.ofTask(warehouse, task)));
        if (data.equals(now)) {
            return "Data: " + data + ".";
        }
        String note = "Data: " + data + ". The task has other data now: it was tokenised again, as " + now + ".";
        System.out.println(task + ": " + note);
        return note;
    }
}

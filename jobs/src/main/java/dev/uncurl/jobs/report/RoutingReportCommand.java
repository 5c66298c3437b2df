package dev.uncurl.jobs.report;

import static org.apache.spark.sql.functions.col;

import dev.uncurl.corpus.Split;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cli.WarehouseOptions;
import dev.uncurl.jobs.output.OutputFile;
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
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code jobs/submit report routing --model demo-base --task superglue/boolq}. */
@Command(
        name = "routing",
        description = "Draws the routing of one task by a model, or of two tasks to compare, as one HTML file.",
        footer = {"", "  jobs/submit report routing --model demo-base --task superglue/boolq --out routing.html"})
final class RoutingReportCommand implements Callable<Integer> {
    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec;

    @Mixin
    private WarehouseOptions warehouseOptions;

    @Option(names = "--model", paramLabel = "ID", required = true, description = "Model whose logits were dumped.")
    private String modelId;

    @Option(
            names = "--task",
            paramLabel = "TASK",
            required = true,
            description = "Task, such as superglue/boolq; give a second one to compare.")
    private List<String> tasks;

    @Option(
            names = "--split",
            defaultValue = "train",
            description = "Split, train or validation (default: ${DEFAULT-VALUE}).")
    private Split split;

    @Option(
            names = "--out",
            paramLabel = "FILE",
            defaultValue = "routing.html",
            description = "File to write; replaces an existing file (default: ${DEFAULT-VALUE}).")
    private Path out;

    @Override
    public Integer call() throws IOException {
        checkOptions();
        OutputFile file = OutputFile.of("--out", out);
        Warehouse warehouse = warehouseOptions.open();
        warehouse.describe("report routing of " + modelId);
        var routings = new ArrayList<RoutingPage.Task>();
        var manifests = new TreeSet<String>();
        for (String task : tasks) {
            routings.add(read(warehouse, task, manifests));
        }
        requireRegistered(warehouse, manifests);
        if (manifests.size() > 1) {
            throw UserError.input(
                    "The router logits of " + String.join(" and ", tasks)
                            + " were dumped from different versions of model " + modelId + " (manifests "
                            + String.join(", ", manifests) + ")",
                    "Run dump-logits --model " + modelId + " for each of the tasks again.");
        }
        byte[] page = new RoutingPage(modelId, split.label(), routings).toBytes();
        file.write(page);
        System.out.printf(Locale.ROOT, "Wrote %s (%,d bytes): open it in any browser%n", out, page.length);
        return 0;
    }

    /** @throws UserError (input) if the dumps were made from another model than the one that has the name now */
    private void requireRegistered(Warehouse warehouse, TreeSet<String> manifests) {
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

    private void checkOptions() {
        if (spec.parent().commandLine().getParseResult().matchedOptions().stream()
                .anyMatch(option -> !option.inherited())) {
            throw UserError.usage(
                    "There are options between 'report' and 'routing'",
                    "Put all of them after 'routing': jobs/submit report routing --model ID --task TASK ...");
        }
        if (tasks.size() > 2 || new HashSet<>(tasks).size() < tasks.size()) {
            throw UserError.usage(
                    "report routing cannot compare the tasks " + String.join(", ", tasks),
                    "Give --task once, or twice with different tasks.");
        }
    }

    private RoutingPage.Task read(Warehouse warehouse, String task, TreeSet<String> manifests) {
        Object[] key = {"model_id", modelId, "task", task, "split", split.label()};
        Map<Integer, List<Long>> choices = Records.read(
                        warehouse.rows(UncurlTable.EXPERT_STATISTICS, key).orderBy("layer", "expert"),
                        ExpertStatisticsRow.class)
                .stream()
                .collect(Collectors.groupingBy(
                        ExpertStatisticsRow::layer,
                        Collectors.mapping(ExpertStatisticsRow::tokens, Collectors.toList())));
        Map<Integer, Set<Integer>> masked = dropped(warehouse, RouterRule.MASK);
        Map<Integer, Set<Integer>> zeroed = dropped(warehouse, RouterRule.ZERO);
        var layers = new ArrayList<LayerRouting>();
        var data = new TreeSet<String>();
        var grams = warehouse.rows(UncurlTable.GRAM, key).orderBy("layer");
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
                    "There are no router logits of model " + modelId + " on task " + task + " (" + split.label() + ")",
                    "Run dump-logits --model " + modelId + " --task " + task + " --split " + split.label() + " first.");
        }
        return new RoutingPage.Task(task, layers, dataNote(warehouse, task, String.join(" and ", data)));
    }

    /** The dropped experts of the model whose router rows stay under a rule, by layer. */
    private Map<Integer, Set<Integer>> dropped(Warehouse warehouse, RouterRule rule) {
        return warehouse
                .spark()
                .table("dropped_experts")
                .where(col("model_id").equalTo(modelId).and(col("router").equalTo(rule.id())))
                .collectAsList()
                .stream()
                .collect(Collectors.groupingBy(
                        row -> row.<Integer>getAs("layer"),
                        Collectors.mapping(row -> row.<Integer>getAs("expert"), Collectors.toSet())));
    }

    /** A sentence about the data of the dump; also printed if the task was tokenised again after the dump. */
    private String dataNote(Warehouse warehouse, String task, String data) {
        String now = CorpusRun.ids(List.of(CorpusRun.ofTask(warehouse, task)));
        if (data.equals(now)) {
            return "Data: " + data + ".";
        }
        String note = "Data: " + data + ". The task has other data now: it was tokenised again, as " + now + ".";
        System.out.println(task + ": " + note);
        return note;
    }
}

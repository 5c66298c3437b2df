package dev.uncurl.jobs.report;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cli.WarehouseOptions;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.MetricsRow;
import dev.uncurl.jobs.warehouse.row.ResultRow;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/** Collects a {@link Study} from the tables. */
final class StudyReader {
    private final Warehouse warehouse;
    private final String modelId;
    private final String split;
    private final Map<String, StudiedModel> models;

    StudyReader(Warehouse warehouse, String modelId, String split) {
        this.warehouse = warehouse;
        this.modelId = modelId;
        this.split = split;
        this.models = StudiedModel.all(warehouse);
    }

    /**
     * @param folder of the warehouse, as the user names it
     * @throws UserError (input) if there is no such model, its folder has changed, or it was compared with none on a task
     */
    Study read(List<String> tasks, String folder) {
        var registered = new Models(warehouse);
        String sha256 = registered
                .registered(modelId)
                .orElseThrow(() -> UserError.input(
                        "There is no model " + modelId + " in models.registry",
                        models.isEmpty()
                                ? "Make one with pretrain."
                                : "Known models: " + String.join(", ", models.keySet()) + "."));
        registered.requireUnchanged(modelId, sha256);
        List<Study.Task> studied = tasks.stream().map(this::task).toList();
        List<StudiedModel> lineage = new ArrayList<>(StudiedModel.lineage(modelId, models));
        Collections.reverse(lineage);
        List<LossCurve> curves = lineage.stream()
                .map(model -> curve(model.modelId()))
                .flatMap(Optional::stream)
                .toList();
        var shown = new LinkedHashSet<>(lineage);
        studied.stream()
                .flatMap(task -> Stream.concat(task.before().stream(), task.after().stream()))
                .flatMap(comparison -> comparison.rows().stream())
                .flatMap(row -> row.models().stream())
                .map(models::get)
                .filter(model -> model != null) // a plan that was scored without a model
                .forEach(shown::add);
        return new Study(
                models.get(modelId),
                split,
                curves,
                List.copyOf(shown),
                studied,
                Optional.of(folder).filter(name -> !name.equals(WarehouseOptions.DEFAULT)));
    }

    private Study.Task task(String task) {
        List<StoredComparison> comparisons = StoredComparison.newest(warehouse, task, split);
        Optional<StoredComparison> before = comparisons.stream()
                .filter(comparison -> comparison.against().equals(modelId))
                .findFirst();
        List<StoredComparison> after = comparisons.stream()
                .filter(comparison -> isFinetuned(models.get(comparison.against())))
                .toList();
        if (before.isEmpty() && after.isEmpty()) {
            throw UserError.input(
                    "Nothing was compared with model " + modelId + " on " + task + " (" + split + ")",
                    "Run evaluate --task " + task + " --against " + modelId + " with the models or plans to compare.");
        }
        String data = Stream.concat(before.stream(), after.stream())
                .map(StoredComparison::data)
                .distinct()
                .map(TaskData.of(warehouse, task)::describe)
                .reduce((one, other) -> one + "; " + other)
                .orElseThrow();
        for (String dumped : List.of("train", "validation")) {
            var routing = new RoutingReader(warehouse, modelId, dumped);
            if (routing.has(task)) {
                return new Study.Task(
                        task,
                        data,
                        before,
                        after,
                        Optional.of(routing.read(List.of(task)).get(0)),
                        dumped);
            }
        }
        return new Study.Task(task, data, before, after, Optional.empty(), "");
    }

    private boolean isFinetuned(StudiedModel baseline) {
        return baseline != null
                && baseline.stage().equals("finetune")
                && baseline.parentModelId().equals(Optional.of(modelId));
    }

    private Optional<LossCurve> curve(String run) {
        List<MetricsRow> rows =
                Records.read(warehouse.rows(UncurlTable.METRICS, "run_id", run).orderBy("step"), MetricsRow.class);
        if (rows.isEmpty()) {
            return Optional.empty();
        }
        Object[] unigram = {
            "model_id",
            run,
            "split",
            "validation",
            "metric",
            "unigram_loss_per_token",
            "manifest_sha256",
            models.get(run).manifestSha256()
        };
        OptionalDouble ofMostTokens =
                Records.read(warehouse.rows(UncurlTable.RESULTS, unigram).orderBy("n", "task"), ResultRow.class)
                        .stream()
                        .mapToDouble(ResultRow::value)
                        .reduce((one, other) -> other);
        return Optional.of(new LossCurve(run, rows, ofMostTokens));
    }
}

package dev.uncurl.jobs.evaluate;

import static org.apache.spark.sql.functions.col;

import dev.uncurl.evaluation.Latency;
import dev.uncurl.evaluation.PassTimes;
import dev.uncurl.jobs.cluster.RankStage;
import dev.uncurl.jobs.spark.ExecutorTurns;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.LatencyRow;
import dev.uncurl.model.spec.ExpertShare;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.spark.rdd.RDD;

/**
 * Measures the latency of models that are compared with each other, or finds it in evaluation.latency. Times are compared
 * only within one run, which has timed the models in turn, so a setting is reused only if one run has it for all of them.
 */
final class LatencyRun {
    private final Warehouse warehouse;
    private final List<ScoredModel> models;

    private final int expertParallel;

    /** @param expertParallel ranks that divide the experts of a model; 1: each process has whole models */
    LatencyRun(Warehouse warehouse, List<ScoredModel> models, int expertParallel) {
        this.warehouse = warehouse;
        this.models = models;
        this.expertParallel = expertParallel;
    }

    /** The newest stored rows of one run for all models, for each setting that has such a run; in the models' order. */
    Map<Latency.Setting, List<LatencyRow>> stored(List<Latency.Setting> settings) {
        Map<String, List<LatencyRow>> runs = storedRows().stream()
                .filter(row -> row.runId().isPresent() && row.measuredAt().isPresent())
                .sorted(Comparator.comparing(
                                (LatencyRow row) -> row.measuredAt().orElseThrow())
                        .reversed())
                .collect(Collectors.groupingBy(
                        row -> row.runId().orElseThrow(), LinkedHashMap::new, Collectors.toList()));
        var found = new LinkedHashMap<Latency.Setting, List<LatencyRow>>();
        for (Latency.Setting setting : settings) {
            runs.values().stream()
                    .map(run -> ofAllModels(run, setting))
                    .filter(rows -> rows.size() == models.size())
                    .findFirst()
                    .ifPresent(rows -> found.put(setting, rows));
        }
        return found;
    }

    private List<LatencyRow> ofAllModels(List<LatencyRow> run, Latency.Setting setting) {
        return models.stream()
                .flatMap(model -> run.stream()
                        .filter(row -> row.modelId().equals(model.id())
                                && row.expertParallel().orElse(1) == expertParallel
                                && row.batch() == setting.batch()
                                && row.sequenceLength() == setting.sequenceLength()
                                && row.warmup().equals(Optional.of(setting.warmup()))
                                && row.repeats().equals(Optional.of(setting.repeats())))
                        .limit(1))
                .toList();
    }

    /** Rows of the models as they are now, not as they were under the same name. */
    private List<LatencyRow> storedRows() {
        Map<String, ScoredModel> byId = models.stream().collect(Collectors.toMap(ScoredModel::id, Function.identity()));
        var rows = warehouse
                .table(UncurlTable.LATENCY)
                .where(col("model_id").isin(byId.keySet().toArray()));
        return Records.read(rows, LatencyRow.class).stream()
                .filter(row ->
                        row.manifestSha256().equals(byId.get(row.modelId()).sha256()))
                .toList();
    }

    /** Times all models in turn at each setting, and adds the rows to the table. */
    Map<Latency.Setting, List<LatencyRow>> measure(List<Latency.Setting> settings) {
        try (var lock = warehouse.lock("latency")) {
            warehouse.describe("time " + models.size() + " models in turn");
            var task = new LatencyTask(
                    models.stream().map(ScoredModel::source).toList(),
                    models.stream().map(ScoredModel::config).toList(),
                    List.copyOf(settings));
            List<LatencyTask.Outcome> processes =
                    expertParallel == 1 ? ExecutorTurns.each(warehouse.context(), task) : divided(task);
            var measured = new LinkedHashMap<Latency.Setting, List<LatencyRow>>();
            String runId = UUID.randomUUID().toString();
            Instant now = Instant.now().truncatedTo(ChronoUnit.MICROS);
            for (int s = 0; s < settings.size(); s++) {
                var rows = new ArrayList<LatencyRow>();
                for (int m = 0; m < models.size(); m++) {
                    rows.add(row(models.get(m), settings.get(s), times(processes, s, m), processes, runId, now));
                }
                measured.put(settings.get(s), rows);
            }
            store(measured.values().stream().flatMap(List::stream).toList());
            return measured;
        }
    }

    /** One group of ranks. */
    private List<LatencyTask.Outcome> divided(LatencyTask task) {
        RankStage stage = RankStage.group(warehouse.context().sc(), expertParallel, Evaluation.EXPERT_PARALLEL);
        for (ScoredModel model : models) {
            ExpertShare.check(
                    model.config(), expertParallel, "the number of ranks", expertParallel, Evaluation.EXPERT_PARALLEL);
        }
        List<Integer> places = IntStream.range(0, stage.partitions()).boxed().toList();
        RDD<Integer> rows =
                warehouse.context().parallelize(places, stage.partitions()).rdd();
        return stage.run("time models", rows, new LatencyTask.Divided(task, expertParallel, stage.slots()));
    }

    private static PassTimes times(List<LatencyTask.Outcome> processes, int setting, int model) {
        return PassTimes.together(processes.stream()
                .map(process -> process.times().get(setting).get(model))
                .toList());
    }

    private LatencyRow row(
            ScoredModel model,
            Latency.Setting setting,
            PassTimes times,
            List<LatencyTask.Outcome> processes,
            String runId,
            Instant now) {
        double median = times.quantileMillis(0.5);
        return new LatencyRow(
                model.id(),
                distinct(processes, LatencyTask.Outcome::executor).size(),
                setting.batch(),
                setting.sequenceLength(),
                model.config().moe().experts(),
                median,
                times.quantileMillis(0.95),
                setting.tokens() / median * 1000,
                times.shares(),
                model.sha256(),
                Optional.of(runId),
                Optional.of(now),
                Optional.of(setting.warmup()),
                Optional.of(setting.repeats()),
                processes.stream().map(LatencyTask.Outcome::threads).max(Comparator.naturalOrder()),
                Optional.of(expertParallel),
                Optional.of(String.join(", ", distinct(processes, LatencyTask.Outcome::host))),
                Optional.of(String.join(", ", distinct(processes, LatencyTask.Outcome::cpu))));
    }

    private static List<String> distinct(
            List<LatencyTask.Outcome> processes, Function<LatencyTask.Outcome, String> part) {
        return processes.stream().map(part).distinct().sorted().toList();
    }

    /** Adds rows; older rows of the models stay unless the model has been replaced since. */
    private void store(List<LatencyRow> rows) {
        var all = new ArrayList<>(storedRows());
        all.addAll(rows);
        warehouse.replaceWhere(
                UncurlTable.LATENCY,
                Records.frame(warehouse, UncurlTable.LATENCY, all),
                col("model_id").isin(models.stream().map(ScoredModel::id).toArray()));
    }
}

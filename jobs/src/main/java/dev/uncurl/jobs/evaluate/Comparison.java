package dev.uncurl.jobs.evaluate;

import static org.apache.spark.sql.functions.col;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.ComparisonRow;
import dev.uncurl.jobs.warehouse.row.ResultRow;
import dev.uncurl.statistics.Bootstrap;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.commons.codec.digest.DigestUtils;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * The comparison of evaluated models with a baseline, by each metric that all of them have: the rows of
 * evaluation.comparisons with one id.
 *
 * @param rows by metric, within it the best subject first
 */
record Comparison(List<ComparisonRow> rows) {
    /** Of the resampling. Another seed or number of draws gives another comparison. */
    private static final long SEED = 20_261_126;

    /**
     * Compares models, or reads the rows if the same comparison was made before.
     *
     * @param against id of the baseline, which is among the results
     * @param results of all models, on one task
     * @param margin of "not worse", a share for accuracies, nats per token for losses
     * @throws UserError (input) if the models were not scored on the same examples, (usage) if there is only the baseline
     */
    static Comparison of(Warehouse warehouse, String against, List<ResultRow> results, double margin) {
        return of(warehouse, against, results, margin, List.of());
    }

    /**
     * @param given the subjects, the one with the baseline among them; none: they follow from how the models were made. One whose
     *     models were not all scored on the data of the baseline is left out
     */
    static Comparison of(
            Warehouse warehouse, String against, List<ResultRow> results, double margin, List<Subject> given) {
        List<ScoredSet> scored = results.stream()
                .collect(Collectors.groupingBy(ResultRow::modelId, LinkedHashMap::new, Collectors.toList()))
                .values()
                .stream()
                .map(ScoredSet::of)
                .sorted(Comparator.comparing(ScoredSet::modelId))
                .toList();
        ScoredSet baseline = scored.stream()
                .filter(set -> set.modelId().equals(against))
                .findFirst()
                .orElseThrow();
        List<ScoredSet> sets = onSameData(baseline, scored);
        List<ComparedMetric> metrics = metrics(sets);
        String id = id(baseline, sets, metrics, margin, given);
        Dataset<Row> stored = warehouse
                .rows(UncurlTable.COMPARISONS, "task", baseline.task(), "split", baseline.split())
                .where(col("comparison_id").equalTo(id));
        try (var lock = warehouse.lock("comparison", id)) {
            List<ComparisonRow> before = Records.read(stored, ComparisonRow.class);
            if (!before.isEmpty()) {
                System.out.println("The comparison with " + against + " is there already: reused.");
                return new Comparison(ordered(before));
            }
            warehouse.describe("compare with " + against + " on " + baseline.task());
            var header = new MetricComparison.Header(id, Instant.now(), baseline, margin);
            List<ComparisonRow> rows = compute(warehouse, header, sets, metrics, given);
            Records.append(warehouse, UncurlTable.COMPARISONS, rows);
            return new Comparison(ordered(rows));
        }
    }

    /**
     * The models that were scored on the data of the baseline. The others, whose scoring was ended early, are named.
     *
     * @throws UserError if only the baseline is left
     */
    private static List<ScoredSet> onSameData(ScoredSet baseline, List<ScoredSet> given) {
        if (given.size() < 2) {
            throw UserError.usage(
                    "There is nothing to compare with " + baseline.modelId() + ": no other model is given",
                    "Name the models to compare with it by --model.");
        }
        List<ScoredSet> sets = given.stream().filter(baseline::isOnSameData).toList();
        if (sets.size() < 2) {
            given.forEach(baseline::requireSameData);
        }
        given.stream()
                .filter(set -> !sets.contains(set))
                .forEach(set -> System.out.println("  " + set.modelId() + " is not compared: it was scored on "
                        + set.data() + ", " + baseline.modelId() + " on " + baseline.data()));
        return sets;
    }

    /** The metrics that every model has, in the order of {@link ComparedMetric}. */
    private static List<ComparedMetric> metrics(List<ScoredSet> sets) {
        return Arrays.stream(ComparedMetric.values())
                .filter(metric -> sets.stream().allMatch(set -> set.metrics().contains(metric.id())))
                .toList();
    }

    private static List<ComparisonRow> compute(
            Warehouse warehouse,
            MetricComparison.Header header,
            List<ScoredSet> sets,
            List<ComparedMetric> metrics,
            List<Subject> given) {
        List<Answers> answers = Answers.read(warehouse, sets);
        Answers baseline = answers.stream()
                .filter(one -> one.of().equals(header.baseline()))
                .findFirst()
                .orElseThrow();
        answers.forEach(baseline::requireSameExamples);
        List<String> ids = sets.stream().map(ScoredSet::modelId).toList();
        List<Subject> subjects = given.isEmpty()
                ? Subject.group(header.baseline().modelId(), ids, Origins.read(warehouse))
                : given.stream()
                        .filter(subject -> ids.containsAll(subject.models()))
                        .toList();
        var rows = new ArrayList<ComparisonRow>();
        for (ComparedMetric metric : metrics) {
            if (answers.stream().allMatch(one -> one.has(metric, baseline))) {
                MetricSample sample = MetricSample.of(warehouse, metric, answers);
                rows.addAll(new MetricComparison(header, sample, subjects, SEED).rows());
            } else {
                System.out.println("  " + metric.id() + " is not compared: "
                        + (metric.isAccuracy()
                                ? "some examples have no choices"
                                : "the models, whose contexts differ, predicted different tokens"));
            }
        }
        return rows;
    }

    /** Hash of everything that determines the rows. The grouping follows from the models unless it is given. */
    private static String id(
            ScoredSet baseline,
            Collection<ScoredSet> sets,
            List<ComparedMetric> metrics,
            double margin,
            List<Subject> given) {
        var parts = new ArrayList<String>(List.of("comparison 1", baseline.task(), baseline.split(), baseline.data()));
        parts.add(String.valueOf(baseline.promptVersion()));
        parts.add(baseline.modelId());
        sets.forEach(set -> parts.addAll(List.of(set.modelId(), set.sha256())));
        metrics.forEach(metric -> parts.add(metric.id()));
        given.forEach(subject -> parts.add(subject.label() + " = " + String.join(" ", subject.models())));
        parts.addAll(List.of(Double.toString(margin), Integer.toString(Bootstrap.DRAWS), Long.toString(SEED)));
        return DigestUtils.sha256Hex(String.join("\n", parts)).substring(0, 32);
    }

    private static List<ComparisonRow> ordered(List<ComparisonRow> rows) {
        Comparator<ComparisonRow> byMetric = Comparator.comparing(row -> ComparedMetric.named(row.metric()));
        Comparator<ComparisonRow> best = Comparator.comparingDouble(
                row -> ComparedMetric.named(row.metric()).isAccuracy() ? -row.value() : row.value());
        return rows.stream()
                .sorted(byMetric.thenComparing(best).thenComparing(ComparisonRow::subject))
                .toList();
    }

    /** The rows of each metric. */
    Map<String, List<ComparisonRow>> byMetric() {
        return rows.stream()
                .collect(Collectors.groupingBy(ComparisonRow::metric, LinkedHashMap::new, Collectors.toList()));
    }
}

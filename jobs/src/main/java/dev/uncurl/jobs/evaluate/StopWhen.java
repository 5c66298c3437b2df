package dev.uncurl.jobs.evaluate;

import static org.apache.spark.sql.functions.col;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.output.Digits;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.ResultRow;
import dev.uncurl.jobs.warehouse.row.ScoredRow;
import dev.uncurl.statistics.InterimLooks;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import picocli.CommandLine.Option;

/**
 * The option {@code --stop-when worse} of evaluate: the scoring of a model ends when the examples so far show that it is worse
 * than a baseline by more than a margin. It is scored on the first 50 examples, then 200, 800 and so on ({@link InterimLooks}),
 * by accuracy where the task has it, otherwise by loss per token. What was stopped is stored as the evaluation with that
 * {@code --limit}.
 */
final class StopWhen {
    /** By how much a model may be worse: share of right answers, or nats per token. */
    static final double MARGIN = 0.01;

    private static final String WORSE = "worse";
    private static final Pattern FIRST = Pattern.compile(" first (\\d+)(?: in all)?$");

    @Option(
            names = "--stop-when",
            paramLabel = WORSE,
            description =
                    "worse: stop scoring a --plan when its first 50, 200, 800, ... examples show that it is worse than"
                            + " the --model by more than 0.01 (of accuracy, or nats per token); the results so far are kept.")
    private String stopWhen;

    /** @throws UserError (usage) if the value is unknown, or there is nothing to stop */
    void check(boolean arePlans) {
        if (stopWhen == null) {
            return;
        }
        if (!stopWhen.equals(WORSE)) {
            throw UserError.usage("--stop-when does not know " + stopWhen, "Write --stop-when worse.");
        }
        if (!arePlans) {
            throw UserError.usage(
                    "--stop-when compares plans with their model, but there is no --plan",
                    "Add --plan, or leave it out.");
        }
    }

    /** What is scored, on which examples. */
    record Scoring(Warehouse warehouse, Evaluation evaluation, List<String> names, String split, int limit) {
        List<ResultRow> evaluate(ScoredModel model, int limit) {
            return evaluation.evaluate(model, names, split, limit);
        }

        private List<ScoredRow> rows(ScoredModel model) {
            return Records.read(of(UncurlTable.SCORED, model).orderBy("example_id"), ScoredRow.class);
        }

        private List<ResultRow> results(ScoredModel model) {
            return Records.read(of(UncurlTable.RESULTS, model), ResultRow.class);
        }

        private org.apache.spark.sql.Dataset<org.apache.spark.sql.Row> of(UncurlTable table, ScoredModel model) {
            return warehouse
                    .rows(table, "model_id", model.id(), "task", String.join("+", names), "split", split)
                    .where(col("manifest_sha256").equalTo(model.sha256()));
        }
    }

    /**
     * Evaluates a model, on fewer examples if these show that it is worse than the baseline.
     *
     * @param baseline evaluated on all examples before
     * @return the metrics, ordered by name
     */
    List<ResultRow> evaluate(Scoring scoring, ScoredModel model, ScoredModel baseline, double margin) {
        if (stopWhen == null || model.id().equals(baseline.id())) {
            return scoring.evaluate(model, scoring.limit());
        }
        List<ResultRow> before = scoring.results(baseline);
        List<ScoredRow> all = scoring.rows(baseline);
        var looks = new InterimLooks(all.size());
        int from = reached(scoring.results(model), before);
        for (int size : looks.sizes()) {
            if (size < from) {
                continue;
            }
            List<ResultRow> results = scoring.evaluate(model, size);
            boolean byAccuracy = before.stream().anyMatch(row -> row.metric().equals("acc"));
            InterimLooks.Look look = look(looks, scoring.rows(model), all, byAccuracy);
            if (look.isWorseBy(margin)) {
                System.out.println(line(model, baseline, size, all.size(), look, looks, margin, byAccuracy));
                return results;
            }
        }
        return scoring.evaluate(model, scoring.limit());
    }

    /** The number of examples of the last look of a run that was stopped or killed; the whole number if it was complete. */
    private static int reached(List<ResultRow> stored, List<ResultRow> baseline) {
        if (stored.isEmpty()) {
            return 0;
        }
        String data = stored.get(0).data();
        if (data.equals(baseline.get(0).data())) {
            return Integer.MAX_VALUE;
        }
        Matcher first = FIRST.matcher(data);
        return first.find() ? Integer.parseInt(first.group(1)) : 0;
    }

    private static InterimLooks.Look look(
            InterimLooks looks, List<ScoredRow> rows, List<ScoredRow> baseline, boolean byAccuracy) {
        Map<Long, ScoredRow> others =
                baseline.stream().collect(Collectors.toMap(ScoredRow::exampleId, Function.identity()));
        List<ScoredRow> paired =
                rows.stream().filter(row -> others.containsKey(row.exampleId())).toList();
        double[] x = paired.stream()
                .mapToDouble(row -> byAccuracy
                        ? right(row) - right(others.get(row.exampleId()))
                        : others.get(row.exampleId()).textLoss() - row.textLoss())
                .toArray();
        double[] weights = paired.stream()
                .mapToDouble(row -> byAccuracy ? 1 : row.textTokens())
                .toArray();
        return looks.look(
                x, weights, paired.stream().mapToLong(ScoredRow::exampleId).toArray());
    }

    private static int right(ScoredRow row) {
        return row.prediction().equals(row.label()) ? 1 : 0;
    }

    private static String line(
            ScoredModel model,
            ScoredModel baseline,
            int size,
            int total,
            InterimLooks.Look look,
            InterimLooks looks,
            double margin,
            boolean byAccuracy) {
        return String.format(
                Locale.ROOT,
                "%s was stopped after %,d of %,d examples: its %s is worse than that of %s by %s (interval %s to %s, %.1f%%),"
                        + " more than the margin of %s",
                model.id(),
                size,
                total,
                byAccuracy ? "accuracy" : "loss per token",
                baseline.id(),
                Digits.of(-look.difference()),
                Digits.of(-look.high()),
                Digits.of(-look.low()),
                100 * looks.confidence(),
                Digits.of(margin));
    }
}

package dev.uncurl.jobs.evaluate;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.output.Digits;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.ResultRow;
import dev.uncurl.jobs.warehouse.row.ScoredRow;
import dev.uncurl.statistics.InterimLooks;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import picocli.CommandLine.Option;

/**
 * The option {@code --stop-when worse} of evaluate: the scoring of a model ends when the examples so far show that it is worse
 * than the baseline by more than a margin, by accuracy where the task has it, otherwise by loss per token. {@link StopRule}
 * says when it looks. What was stopped is stored as the evaluation with that {@code --limit}.
 */
final class StopWhen {
    private static final String WORSE = "worse";

    @Option(
            names = "--stop-when",
            paramLabel = WORSE,
            description = "worse: stop scoring a model that is worse by more than --margin on its first examples (64,"
                    + " 128, ...).")
    private String stopWhen;

    private Baseline baseline;

    /** @throws UserError (usage) if the value is unknown, or there is nothing to compare with */
    void check(boolean comparing) {
        if (stopWhen == null) {
            return;
        }
        if (!stopWhen.equals(WORSE)) {
            throw UserError.usage("--stop-when does not know " + stopWhen, "Write --stop-when worse.");
        }
        if (!comparing) {
            throw UserError.usage(
                    "--stop-when compares models with a baseline, but there is no --against and no --plan",
                    "Add --against ID, or leave it out.");
        }
    }

    boolean isGiven() {
        return stopWhen != null;
    }

    /**
     * The rule for the next model.
     *
     * @param results so far; those of the baseline first
     */
    StopRule next(Warehouse warehouse, List<ResultRow> results, double margin) {
        if (stopWhen == null) {
            return StopRule.NEVER;
        }
        if (baseline == null) {
            baseline = Baseline.of(warehouse, results);
        }
        return new Worse(baseline, margin);
    }

    /** The rows of the baseline by example_id, and by what it is compared. */
    record Baseline(String modelId, Map<Long, ScoredRow> rows, boolean byAccuracy) {
        static Baseline of(Warehouse warehouse, List<ResultRow> results) {
            var scored = ScoredSet.of(results);
            Map<Long, ScoredRow> rows = Records.read(scored.examples(warehouse), ScoredRow.class).stream()
                    .collect(Collectors.toMap(ScoredRow::exampleId, row -> row));
            return new Baseline(scored.modelId(), rows, scored.metrics().contains("acc"));
        }
    }

    /** Looks at the rows of one model as they come. */
    static final class Worse implements StopRule {
        private final Baseline baseline;
        private final double margin;
        private final InterimLooks looks;
        private final List<ScoredRow> seen = new ArrayList<>();

        Worse(Baseline baseline, double margin) {
            this.baseline = baseline;
            this.margin = margin;
            looks = new InterimLooks(StopRule.looks(baseline.rows.size()));
        }

        @Override
        public boolean stop(List<ScoredRow> next) {
            seen.addAll(next);
            if (seen.size() >= baseline.rows.size()) {
                return false;
            }
            InterimLooks.Look look = look();
            boolean worse = look.isWorseBy(margin);
            if (worse) {
                System.out.println(line(look));
            }
            return worse;
        }

        private InterimLooks.Look look() {
            List<ScoredRow> paired = seen.stream()
                    .filter(row -> baseline.rows.containsKey(row.exampleId()))
                    .toList();
            var units = new HashMap<Object, Long>();
            return looks.look(
                    paired.stream().mapToDouble(this::better).toArray(),
                    paired.stream()
                            .mapToDouble(row -> baseline.byAccuracy ? 1 : row.textTokens())
                            .toArray(),
                    paired.stream()
                            .map(row -> row.cluster()
                                    .map(passage -> (Object) passage)
                                    .orElse(row.exampleId()))
                            .mapToLong(unit -> units.computeIfAbsent(unit, another -> (long) units.size()))
                            .toArray());
        }

        private double better(ScoredRow row) {
            ScoredRow other = baseline.rows.get(row.exampleId());
            return baseline.byAccuracy ? right(row) - right(other) : other.textLoss() - row.textLoss();
        }

        private static int right(ScoredRow row) {
            return row.prediction().equals(row.label()) ? 1 : 0;
        }

        private String line(InterimLooks.Look look) {
            return String.format(
                    Locale.ROOT,
                    "Stopped after %,d of %,d examples: the %s is worse than that of %s by %s (interval %s to %s, %.1f%%), more"
                            + " than the margin of %s",
                    seen.size(),
                    baseline.rows.size(),
                    baseline.byAccuracy ? "accuracy" : "loss per token",
                    baseline.modelId,
                    Digits.of(-look.difference()),
                    Digits.of(-look.high()),
                    Digits.of(-look.low()),
                    100 * looks.confidence(),
                    Digits.of(margin));
        }
    }
}

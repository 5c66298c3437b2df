package dev.uncurl.jobs.report;

import dev.uncurl.jobs.output.Digits;
import dev.uncurl.jobs.output.TextTable;
import java.util.List;
import java.util.Locale;

/** Prints comparisons with a baseline: a table for each metric, and sentences below it. */
final class ComparisonTable {
    private static final List<String> COLUMNS = List.of(
            "subject",
            "method",
            "router",
            "K",
            "seeds",
            "value",
            "difference",
            "95% interval",
            "letters",
            "detectable",
            "worse by margin",
            "remarks");

    private ComparisonTable() {}

    static String of(StoredComparison comparison, TaskData data) {
        var text = new StringBuilder();
        text.append("Against ").append(comparison.against()).append(". ").append(data.describe(comparison.data()));
        if (comparison.older() > 0) {
            text.append(" (the newest of ").append(comparison.older() + 1).append(" comparisons)");
        }
        text.append('\n');
        for (String metric : comparison.metrics()) {
            List<Compared> rows = comparison.of(metric);
            text.append(String.format(
                    Locale.ROOT,
                    "%s, %s is better, n = %,d%n",
                    metric,
                    Compared.lowerIsBetter(metric) ? "lower" : "higher",
                    rows.get(0).n()));
            text.append(TextTable.of(
                    COLUMNS, rows.stream().map(ComparisonTable::cells).toList()));
            comparison.byExperts(metric).forEach((experts, subjects) -> {
                String place = experts.map(k -> "K = " + k + ": ").orElse("");
                Findings.againstBaseline(subjects).forEach(sentence -> line(text, place + sentence));
                Findings.notSeparated(subjects).ifPresent(sentence -> line(text, place + sentence));
            });
            Findings.limits(rows).forEach(sentence -> line(text, sentence));
        }
        return text.toString();
    }

    private static void line(StringBuilder text, String sentence) {
        text.append("  ").append(sentence).append('\n');
    }

    private static Object[] cells(Compared row) {
        boolean baseline = row.isBaseline();
        return new Object[] {
            row.subject(),
            row.method().orElse(baseline ? "unpruned" : null),
            row.router().orElse(null),
            row.experts().orElse(null),
            row.seeds(),
            Digits.of(row.value()) + (row.has("constant") ? " (constant)" : ""),
            baseline ? null : signed(row.difference()),
            baseline ? null : signed(row.low()) + " to " + signed(row.high()),
            row.lettersOrNone(),
            baseline ? null : row.detectable().map(ComparisonTable::fixed).orElse(null),
            baseline ? null : row.worseByMoreThanTheMargin(),
            row.remarks()
        };
    }

    private static String signed(double difference) {
        return (difference > 0 ? "+" : "") + fixed(difference);
    }

    private static String fixed(double value) {
        return Digits.fixed(value, 4);
    }
}

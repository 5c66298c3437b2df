package dev.uncurl.jobs.evaluate;

import dev.uncurl.jobs.output.Digits;
import dev.uncurl.jobs.output.TextTable;
import dev.uncurl.jobs.warehouse.row.ComparisonRow;
import dev.uncurl.statistics.Detectable;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/** A comparison as text: a table per metric, the best subject first, and how to read it. */
final class ComparisonText {
    private static final List<String> HEADER = List.of(
            "subject", "n", "value", "difference [95%]", "letters", "detectable", "p (Holm)", "not worse", "flags");

    /** A usual share of examples that exactly one of two models has right. */
    private static final double TENTH = 0.1;

    private ComparisonText() {}

    static String of(Comparison comparison) {
        var text = new StringBuilder();
        comparison.byMetric().forEach((metric, rows) -> {
            ComparisonRow any = rows.get(0);
            text.append(String.format(
                    Locale.ROOT,
                    "%s against %s on %s (%s), %,d independent %s\n",
                    metric,
                    any.against(),
                    any.task(),
                    any.split(),
                    any.clusters(),
                    any.promptVersion().isPresent() ? "examples or passages" : "sequences"));
            text.append(TextTable.of(
                    HEADER, rows.stream().map(ComparisonText::cells).toList()));
        });
        return comparison.rows().isEmpty()
                ? ""
                : text.append(legend(comparison.rows())).toString();
    }

    private static Object[] cells(ComparisonRow row) {
        boolean baseline = row.subject().equals(row.against());
        return new Object[] {
            row.subject(),
            row.n(),
            row.value(),
            baseline
                    ? "baseline"
                    : signed(row.difference()) + " [" + signed(row.low()) + ", " + signed(row.high()) + "]",
            row.letters(),
            baseline ? null : row.detectable(),
            row.pHolm().orElse(null),
            baseline ? null : row.notWorse() ? "yes" : "not shown",
            String.join(", ", row.flags())
        };
    }

    private static String signed(double value) {
        return (value > 0 ? "+" : "") + Digits.of(value);
    }

    private static String legend(List<ComparisonRow> rows) {
        ComparisonRow any = rows.get(0);
        var lines = new StringBuilder();
        lines.append("Subjects that share a letter are not separated by these examples: their order says nothing.\n");
        lines.append("detectable: the smallest difference that would be found with probability 0.8.\n");
        lines.append("not worse: the interval excludes that it is worse by ")
                .append(Digits.of(any.margin()))
                .append(" or more (a share, or nats per token; see --margin).\n");
        Set<String> flags = new TreeSet<>();
        rows.forEach(row -> flags.addAll(row.flags()));
        flags.forEach(flag -> lines.append(meaning(flag, any)).append('\n'));
        return lines.toString();
    }

    private static String meaning(String flag, ComparisonRow any) {
        return switch (flag) {
            case "constant" -> "constant: every example gets the same answer.";
            case "below-majority" -> "below-majority: always giving the most frequent label would be better.";
            case "few-examples" -> "few-examples: with so few, and a tenth of them answered differently, a difference below "
                    + Digits.of(Detectable.difference(TENTH, any.clusters())) + " is seldom found.";
            default -> flag;
        };
    }
}

package dev.uncurl.jobs.evaluate;

import dev.uncurl.config.Range;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.ResultRow;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** Options of evaluate that compare the models with a baseline, such as their parent. */
final class AgainstOptions {
    private static final double MARGIN = 0.01;

    @Option(
            names = "--against",
            paramLabel = "ID",
            description =
                    "Compare the models with this one on the same examples, and with each other: paired intervals,"
                            + " McNemar's test, the smallest difference that could have been seen.")
    private String against;

    @Option(
            names = "--margin",
            paramLabel = "X",
            description =
                    "How much worse a model may be to count as not worse: a share for accuracies, nats per token for"
                            + " losses (default: " + MARGIN + ").")
    private Double margin;

    /** @throws UserError (usage) for a margin out of its range, or without a baseline */
    void check() {
        if (margin == null) {
            return;
        }
        Range.MARGIN_OPTION.check(margin);
        if (against == null) {
            throw UserError.usage("--margin has no effect without --against", "Name the model to compare with.");
        }
    }

    /** The models to evaluate: those given, with the baseline before them unless it is among them. */
    List<String> withBaseline(List<String> models) {
        if (against == null || models.contains(against)) {
            return models;
        }
        var all = new ArrayList<>(List.of(against));
        all.addAll(models);
        return all;
    }

    /**
     * Compares evaluated models, writes evaluation.comparisons and prints a table per metric. Without --against, does nothing.
     *
     * @param results of all models, the baseline among them, on one task
     */
    void compare(Warehouse warehouse, List<ResultRow> results) {
        if (against != null) {
            var comparison = Comparison.of(warehouse, against, results, margin == null ? MARGIN : margin);
            System.out.print(ComparisonText.of(comparison));
        }
    }
}

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
            description = "Compare the models with this one, and with each other, on the same examples.")
    private String against;

    @Option(
            names = "--margin",
            paramLabel = "X",
            description = "How much worse a model may be and count as not worse: a share, or nats per token (default: "
                    + MARGIN + ").")
    private Double margin;

    /**
     * Checks the options before the warehouse is opened.
     *
     * @param stopping whether the margin also says when scoring stops
     * @throws UserError (usage) for a margin out of its range, or that has no effect
     */
    void check(boolean stopping) {
        if (margin == null) {
            return;
        }
        Range.MARGIN_OPTION.check(margin);
        if (against == null && !stopping) {
            throw UserError.usage("--margin has no effect without --against", "Name the model to compare with.");
        }
    }

    boolean isGiven() {
        return against != null;
    }

    /** By how much a model may be worse. */
    double margin() {
        return margin == null ? MARGIN : margin;
    }

    /** The models to evaluate, the baseline first; as they are without --against. */
    List<ScoredModel> withBaseline(Warehouse warehouse, List<ScoredModel> models) {
        if (against == null) {
            return models;
        }
        var all = new ArrayList<ScoredModel>();
        all.add(models.stream()
                .filter(model -> model.id().equals(against))
                .findFirst()
                .orElseGet(() -> ScoredModel.registered(warehouse, against)));
        models.stream().filter(model -> !model.id().equals(against)).forEach(all::add);
        return all;
    }

    /**
     * Compares evaluated models, writes evaluation.comparisons and prints a table per metric. Without --against, does nothing.
     *
     * @param results of all models, the baseline among them, on one task
     */
    void compare(Warehouse warehouse, List<ResultRow> results) {
        if (against != null) {
            var comparison = Comparison.of(warehouse, against, results, margin());
            System.out.print(ComparisonText.of(comparison));
        }
    }
}

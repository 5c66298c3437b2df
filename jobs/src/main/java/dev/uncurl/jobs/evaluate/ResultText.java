package dev.uncurl.jobs.evaluate;

import dev.uncurl.jobs.output.TextTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.ResultRow;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The results of one model for the screen: the metrics, and what they leave out. */
final class ResultText {
    private final Warehouse warehouse;
    private final String task;
    private final String split;
    private Optional<Long> counted = Optional.empty();
    private String rejectedLine = "";

    ResultText(Warehouse warehouse, String task, String split) {
        this.warehouse = warehouse;
        this.task = task;
        this.split = split;
    }

    /** @param results at least one metric */
    String of(List<ResultRow> results) {
        ResultRow first = results.get(0);
        return first.modelId() + " on " + task + " (" + split + "): " + first.data() + "\n"
                + TextTable.of(
                        List.of("metric", "value", "standard error", "n", "majority", "constant"),
                        results.stream()
                                .map(row -> new Object[] {
                                    row.metric(),
                                    row.value(),
                                    row.standardError(),
                                    row.n(),
                                    row.majorityBaseline().orElse(null),
                                    row.constantPredictor().orElse(null)
                                })
                                .toList())
                + leftOut(first)
                + rejected(first.rowsRejected());
    }

    /** A line for examples that were cut and one for examples that were not scored; empty if there are none. */
    private static String leftOut(ResultRow result) {
        return line(
                        result.examplesCut(),
                        "%,d were longer than the context of the model: only their last tokens were used")
                + line(result.examplesRefused(), "%,d were not scored: an answer leaves no room for its prompt");
    }

    private static String line(Optional<Long> count, String format) {
        return count.filter(some -> some > 0)
                .map(some -> "  " + String.format(Locale.ROOT, format, some) + "\n")
                .orElse("");
    }

    /** The line is the same for all models of one task: it is made once. */
    private String rejected(Optional<Long> count) {
        if (!count.equals(counted)) {
            rejectedLine = RejectedRows.line(warehouse, task, split, count);
            counted = count;
        }
        return rejectedLine;
    }
}

package dev.uncurl.jobs.sweep;

import dev.uncurl.jobs.output.TextTable;
import dev.uncurl.jobs.warehouse.row.CellRow;
import dev.uncurl.pruning.BuiltInMethods;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The cells of a sweep as text. */
final class SweepText {
    /** The most failures that are listed. */
    private static final int MOST = 20;

    private SweepText() {}

    /** A line for each cell. */
    static String table(List<CellRow> rows) {
        var lines = new ArrayList<Object[]>();
        for (CellRow row : rows) {
            lines.add(new Object[] {
                row.position(),
                row.role(),
                row.modelId(),
                row.task(),
                row.planTask().orElse(null),
                row.method().orElse(null),
                row.expertsAfter().orElse(null),
                row.seed().filter(seed -> usesSeed(row)).orElse(null),
                row.router().orElse(null),
                row.state().equals(CellState.DONE.id()) ? "there" : "missing"
            });
        }
        return TextTable.of(
                List.of("cell", "role", "model", "task", "plan of", "method", "experts", "seed", "router", "results"),
                lines);
    }

    private static boolean usesSeed(CellRow row) {
        return row.method()
                .map(BuiltInMethods::named)
                .map(BuiltInMethods::usesSeed)
                .orElse(false);
    }

    /** A cell in a few words, as {@link Cell#toString}. */
    static String name(CellRow row) {
        String where = ": " + row.modelId() + " on " + row.task();
        return row.method()
                .map(method -> method + " " + row.expertsAfter().orElseThrow() + " of " + row.expertsBefore()
                        + (usesSeed(row) ? ", seed " + row.seed().orElseThrow() : "") + ", "
                        + row.router().orElseThrow()
                        + (row.planTask().orElseThrow().equals(row.task())
                                ? ""
                                : ", plan of " + row.planTask().orElseThrow())
                        + where)
                .orElse("unpruned" + where);
    }

    private static long count(List<CellRow> rows, CellState state) {
        return rows.stream().filter(row -> row.state().equals(state.id())).count();
    }

    /** How far a sweep is: cells by state, time, failures with their messages, the query for its results. */
    static String status(String sweep, String asOf, List<CellRow> rows) {
        long failed = count(rows, CellState.FAILED);
        long left = count(rows, CellState.WAITING) + count(rows, CellState.RUNNING);
        double seconds =
                rows.stream().mapToDouble(row -> row.seconds().orElse(0.0)).sum();
        var text = new StringBuilder(String.format(
                Locale.ROOT,
                "Sweep %s of %s: %,d of %,d cells done, %,d failed, %,d left; %s in cells%n",
                sweep,
                asOf,
                count(rows, CellState.DONE),
                rows.size(),
                failed,
                left,
                SweepProgress.time(seconds)));
        rows.stream()
                .filter(row -> row.state().equals(CellState.FAILED.id()))
                .limit(MOST)
                .forEach(row -> text.append("  failed, attempt ")
                        .append(row.attempts())
                        .append(": ")
                        .append(name(row))
                        .append("\n      ")
                        .append(row.error().orElse("").replace("\n", "\n      "))
                        .append('\n'));
        if (failed > MOST) {
            text.append("  and ").append(failed - MOST).append(" more: state = 'failed' in sweep.cells\n");
        }
        return text.append("Results: jobs/submit sql \"")
                .append(query(sweep, asOf))
                .append("\"\n")
                .toString();
    }

    /** The statement that shows the results of a sweep. */
    static String query(String sweep, String asOf) {
        return "SELECT * FROM sweep_results WHERE sweep = '" + sweep + "' AND as_of = '" + asOf + "' ORDER BY position";
    }
}

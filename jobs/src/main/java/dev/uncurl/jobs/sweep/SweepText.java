package dev.uncurl.jobs.sweep;

import dev.uncurl.jobs.cli.RecordedCommand;
import dev.uncurl.jobs.output.TextTable;
import dev.uncurl.jobs.warehouse.row.CellRow;
import dev.uncurl.pruning.BuiltInMethods;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** The cells of a sweep as text. */
final class SweepText {
    /** The most failures that are listed. */
    private static final int MOST = 20;

    private SweepText() {}

    /** A line for each cell. */
    static String table(List<CellRow> rows) {
        boolean finetuned = rows.stream().anyMatch(row -> row.recipe().isPresent());
        var header = new ArrayList<>(
                List.of("cell", "role", "model", "task", "plan of", "method", "experts", "seed", "router"));
        if (finetuned) {
            header.addAll(List.of("finetuned", "its seed"));
        }
        header.add("results");
        return TextTable.of(
                header, rows.stream().map(row -> line(row, finetuned)).toList());
    }

    private static Object[] line(CellRow row, boolean finetuned) {
        var line = new ArrayList<Object>(Arrays.asList(
                row.position(),
                row.role(),
                row.modelId(),
                row.task(),
                row.planTask().orElse(null),
                row.method().orElse(null),
                row.expertsAfter().orElse(null),
                row.seed().filter(seed -> usesSeed(row)).orElse(null),
                row.router().orElse(null)));
        if (finetuned) {
            line.add(row.recipe().orElse(null));
            line.add(row.recipeSeed().orElse(null));
        }
        line.add(state(row));
        return line.toArray();
    }

    private static String state(CellRow row) {
        return row.state().equals(CellState.DONE.id())
                ? "there"
                : row.state().equals(CellState.LEFT_OUT.id()) ? "left out" : "missing";
    }

    private static boolean usesSeed(CellRow row) {
        return row.method()
                .map(BuiltInMethods::named)
                .map(BuiltInMethods::usesSeed)
                .orElse(false);
    }

    /** A cell in a few words, as {@link Cell#toString}. */
    static String name(CellRow row) {
        String plan = row.method()
                .map(method -> plan(row, method))
                .orElse(row.role().equals(Role.SCRATCH.id()) ? "from scratch" : "unpruned");
        String tuned = row.recipe()
                .map(recipe ->
                        ", finetuned (" + recipe + ", seed " + row.recipeSeed().orElseThrow() + ")")
                .orElse("");
        return plan + tuned + ": " + row.modelId() + " on " + row.task();
    }

    private static String plan(CellRow row, String method) {
        String other = row.planTask().orElseThrow();
        return method + " " + row.expertsAfter().orElseThrow() + " of " + row.expertsBefore()
                + (usesSeed(row) ? ", seed " + row.seed().orElseThrow() : "") + ", "
                + row.router().orElseThrow() + (other.equals(row.task()) ? "" : ", plan of " + other);
    }

    private static long count(List<CellRow> rows, CellState state) {
        return rows.stream().filter(row -> row.state().equals(state.id())).count();
    }

    /** How far a sweep is: cells by state, time, failures with their messages, the query for its results. */
    static String status(String sweep, String asOf, String warehouse, List<CellRow> rows) {
        long failed = count(rows, CellState.FAILED);
        long out = count(rows, CellState.LEFT_OUT);
        long left = count(rows, CellState.WAITING) + count(rows, CellState.RUNNING);
        double seconds =
                rows.stream().mapToDouble(row -> row.seconds().orElse(0.0)).sum();
        var text = new StringBuilder(String.format(
                Locale.ROOT,
                "Sweep %s of %s: %,d of %,d cells done, %,d failed, %,d left%s; %s in cells%n",
                sweep,
                asOf,
                count(rows, CellState.DONE),
                rows.size(),
                failed,
                left,
                out > 0 ? ", " + out + " left out by the scores of plans" : "",
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
        return text.append("Results: ")
                .append(RecordedCommand.of(List.of("sql", "--warehouse", warehouse)))
                .append(" \"")
                .append(query(sweep, asOf))
                .append("\"\nReport: ")
                .append(report(sweep, asOf, warehouse))
                .append('\n')
                .toString();
    }

    /** The statement that shows the results of a sweep. */
    static String query(String sweep, String asOf) {
        return "SELECT * FROM sweep_results WHERE sweep = '" + sweep + "' AND as_of = '" + asOf + "' ORDER BY position";
    }

    /** The command that draws the results of a sweep. */
    static String report(String sweep, String asOf, String warehouse) {
        String file = sweep + "-" + asOf + ".html";
        return RecordedCommand.of(
                List.of("report", "sweep", "--sweep", sweep, "--as-of", asOf, "--out", file, "--warehouse", warehouse));
    }
}

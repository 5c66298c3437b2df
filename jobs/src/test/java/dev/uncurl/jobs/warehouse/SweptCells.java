package dev.uncurl.jobs.warehouse;

import dev.uncurl.jobs.warehouse.row.CellRow;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Rows of sweep.cells that no sweep has made. */
public final class SweptCells {
    private SweptCells() {}

    /**
     * A done cell for each model that was made.
     *
     * @param models pruned ones, or finetuned ones, whose names end with {@code -tuned}
     */
    public static List<CellRow> of(String sweep, String asOf, int attempts, String... models) {
        var cells = new ArrayList<CellRow>();
        for (String model : models) {
            boolean tuned = model.endsWith("-tuned");
            String pruned = model.replace("-tuned", "");
            cells.add(new CellRow(
                    sweep,
                    asOf,
                    cells.size() + 1,
                    "cell " + model,
                    "method",
                    "base",
                    "sha",
                    4,
                    "task",
                    "data",
                    "train",
                    Optional.of("task"),
                    Optional.of("data"),
                    Optional.of("uncurl"),
                    Optional.of("frequency"),
                    Optional.of("uniform"),
                    Optional.of(Map.of("restarts", "10")),
                    Optional.of(2),
                    Optional.of(1L),
                    Optional.of("map"),
                    tuned ? Optional.of("recipe") : Optional.empty(),
                    tuned ? Optional.of(1L) : Optional.empty(),
                    "done",
                    attempts,
                    Optional.of(1.5),
                    Optional.empty(),
                    Optional.of("plan of " + pruned),
                    Optional.of(tuned ? model : "base+" + pruned),
                    Optional.of(pruned),
                    Optional.empty(),
                    Map.of("models", "[{\"name\":\"base\"}]"),
                    "jobs/submit sweep --config test",
                    Instant.parse("2026-11-26T03:04:05Z")));
        }
        return cells;
    }

    /** The same cell, as it was when it failed, or before it ended. */
    public static CellRow in(CellRow cell, String state) {
        return new CellRow(
                cell.sweep(),
                cell.asOf(),
                cell.position(),
                cell.cellId(),
                cell.role(),
                cell.modelId(),
                cell.modelSha256(),
                cell.expertsBefore(),
                cell.task(),
                cell.data(),
                cell.split(),
                cell.planTask(),
                cell.planData(),
                cell.method(),
                cell.weights(),
                cell.budget(),
                cell.parameters(),
                cell.expertsAfter(),
                cell.seed(),
                cell.router(),
                cell.recipe(),
                cell.recipeSeed(),
                state,
                cell.attempts(),
                Optional.empty(),
                state.equals("failed") ? Optional.of("No room\n  Make some.") : Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                cell.keepsModel(),
                cell.settings(),
                cell.command(),
                cell.updatedAt());
    }

    /** Replaces the rows of a sweep and date. */
    public static void write(Warehouse warehouse, List<CellRow> cells) {
        CellRow first = cells.get(0);
        Records.replace(warehouse, UncurlTable.CELLS, cells, "sweep", first.sweep(), "as_of", first.asOf());
    }
}

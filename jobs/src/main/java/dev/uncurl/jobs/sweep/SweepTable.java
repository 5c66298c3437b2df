package dev.uncurl.jobs.sweep;

import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.CellRow;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** The rows of sweep.cells. */
final class SweepTable {
    private final Warehouse warehouse;

    SweepTable(Warehouse warehouse) {
        this.warehouse = warehouse;
    }

    /** The rows of a sweep and date, in the order of the sweep. */
    List<CellRow> read(String sweep, String asOf) {
        var rows = warehouse.rows(UncurlTable.CELLS, "sweep", sweep, "as_of", asOf);
        return Records.read(rows, CellRow.class).stream()
                .sorted(Comparator.comparingInt(CellRow::position))
                .toList();
    }

    /** Replaces the rows of a sweep and date, in one commit. No other date is touched. */
    void write(SweepCells cells, List<CellRow> rows) {
        warehouse.describe("record the cells of sweep " + cells.sweep());
        Records.replace(warehouse, UncurlTable.CELLS, rows, "sweep", cells.sweep(), "as_of", cells.asOf());
    }

    /** The newest date of a sweep. */
    Optional<String> newestDate(String sweep) {
        return warehouse.rows(UncurlTable.CELLS, "sweep", sweep).select("as_of").distinct().collectAsList().stream()
                .map(row -> row.getString(0))
                .max(Comparator.naturalOrder());
    }

    /** The times of all cells that some sweep has run to their end. */
    List<CellTime> times() {
        var rows = warehouse.table(UncurlTable.CELLS).where("state = 'done' AND seconds IS NOT NULL");
        return Records.read(rows, CellTime.class);
    }

    /** What a cell took. */
    record CellTime(String modelId, String task, String role, Optional<String> recipe, double seconds) {}
}

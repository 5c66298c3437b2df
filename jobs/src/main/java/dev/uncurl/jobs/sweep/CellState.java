package dev.uncurl.jobs.sweep;

import java.util.Locale;

/** How far a cell is. */
enum CellState {
    WAITING,
    /** Begun, but not ended when the rows were last written. */
    RUNNING,
    DONE,
    FAILED;

    /** The name in sweep.cells. */
    String id() {
        return name().toLowerCase(Locale.ROOT);
    }

    static CellState named(String id) {
        return valueOf(id.toUpperCase(Locale.ROOT));
    }
}

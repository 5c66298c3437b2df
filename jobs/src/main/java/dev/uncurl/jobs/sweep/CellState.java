package dev.uncurl.jobs.sweep;

import java.util.Locale;

/** How far a cell is. */
enum CellState {
    WAITING,
    /** Begun, but not ended when the rows were last written. */
    RUNNING,
    DONE,
    FAILED,
    /** It need not be run: the scores of plans say that others are better. */
    LEFT_OUT;

    /** The name in sweep.cells. */
    String id() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    static CellState named(String id) {
        return valueOf(id.toUpperCase(Locale.ROOT).replace('-', '_'));
    }
}

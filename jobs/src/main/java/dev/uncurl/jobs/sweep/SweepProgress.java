package dev.uncurl.jobs.sweep;

import java.io.PrintStream;
import java.util.Locale;

/** Prints a line for each cell as it ends, with the cells that are left and the time that they will take. */
final class SweepProgress {
    private final PrintStream out;
    private int total;
    private int missing;
    private int ended;
    private double seconds;

    SweepProgress(PrintStream out) {
        this.out = out;
    }

    void begin(int cells, int toRun) {
        total = cells;
        missing = toRun;
        out.printf(Locale.ROOT, "%,d cells: the results of %,d are there, %,d to run%n", cells, cells - toRun, toRun);
    }

    void ended(Cell cell, CellStatus status) {
        ended++;
        seconds += status.seconds().orElse(0.0);
        out.printf(
                Locale.ROOT,
                "[%d/%d] %s: %s in %.1f s, about %s left%n",
                total - missing + ended,
                total,
                cell,
                status.state().id(),
                status.seconds().orElse(0.0),
                time((missing - ended) * seconds / ended));
        status.error().ifPresent(error -> out.println("    " + error.replace("\n", "\n    ")));
        out.flush();
    }

    /** A duration for people. */
    static String time(double seconds) {
        return seconds < 100
                ? String.format(Locale.ROOT, "%.0f s", seconds)
                : seconds < 6000
                        ? String.format(Locale.ROOT, "%.0f min", seconds / 60)
                        : String.format(Locale.ROOT, "%.1f h", seconds / 3600);
    }
}

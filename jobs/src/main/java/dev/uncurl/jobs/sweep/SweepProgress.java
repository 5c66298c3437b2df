package dev.uncurl.jobs.sweep;

import java.io.PrintStream;
import java.util.Locale;

/** Prints a line for each cell as it ends, with the cells that are left and the time that they will take. */
final class SweepProgress {
    private final PrintStream out;
    private String what = "";
    private int missing;
    private int ended;
    private long start;
    private int waiting;

    SweepProgress(PrintStream out) {
        this.out = out;
    }

    /** @param found cells whose results are there */
    void begin(int cells, int found, int toRun) {
        int leftOut = cells - found - toRun;
        out.printf(
                Locale.ROOT,
                "%,d cells: the results of %,d are there, %,d to run%s%n",
                cells,
                found,
                toRun,
                leftOut > 0 ? ", " + leftOut + " left out by the scores of plans" : "");
    }

    /** A part of the work begins. */
    void pass(String part, int cells) {
        what = part;
        missing = cells;
        ended = 0;
        start = System.nanoTime();
    }

    void ended(Cell cell, CellStatus status) {
        ended++;
        double left = (missing - ended) * (System.nanoTime() - start) / 1e9 / ended;
        String how = status.seconds()
                .map(seconds -> String.format(
                        Locale.ROOT, "%s in %.1f s", status.state().id(), seconds))
                .orElse("done by another run");
        out.printf(
                Locale.ROOT,
                "[%s %d/%d] %s: %s%s%n",
                what,
                ended,
                missing,
                cell,
                how,
                ended < missing ? ", about " + time(left) + " left" : "");
        status.error().ifPresent(error -> out.println("    " + error.replace("\n", "\n    ")));
        out.flush();
    }

    /** Cells that other runs have now are looked at again. */
    void held(int cells) {
        if (cells != waiting) {
            out.printf(Locale.ROOT, "Another run has %,d of these cells now: waiting%n", cells);
            out.flush();
            waiting = cells;
        }
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

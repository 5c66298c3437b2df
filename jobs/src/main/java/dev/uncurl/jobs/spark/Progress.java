package dev.uncurl.jobs.spark;

import dev.uncurl.jobs.output.Digits;
import java.util.Locale;

/**
 * Reports the progress of long work on standard error, with rate and time left: redrawn on a terminal, one line a minute
 * elsewhere, and one line at the end. Standard output has only results.
 */
public final class Progress {
    private static final long LINE_EVERY_NANOS = 60_000_000_000L;

    private final String what;
    private final String unit;
    private final long total;
    private final long before;
    private final boolean oneOfMany;
    private final boolean terminal;
    private final long start = System.nanoTime();
    private long lastLine = start;

    public Progress(String what, String unit, long total) {
        this(what, unit, total, 0);
    }

    /** @param before work done by an earlier run, which does not count for the rate */
    public Progress(String what, String unit, long total, long before) {
        this(what, unit, total, before, false);
    }

    private Progress(String what, String unit, long total, long before, boolean oneOfMany) {
        this.what = what;
        this.unit = unit;
        this.total = total;
        this.before = before;
        this.oneOfMany = oneOfMany;
        this.terminal = !oneOfMany && System.console() != null;
    }

    /** Progress of work that is done beside others of its kind, whose ends are reported elsewhere: a line a minute, none at the end. */
    public static Progress ofOneOfMany(String what, String unit, long total, long before) {
        return new Progress(what, unit, total, before, true);
    }

    public void at(long done, String detail) {
        long now = System.nanoTime();
        if (!terminal && now - lastLine < LINE_EVERY_NANOS) {
            return;
        }
        lastLine = now;
        double seconds = (now - start) / 1e9;
        double rate = (done - before) / seconds;
        String left = done > before ? String.format(Locale.ROOT, "%.0f s left", (total - done) / rate) : "time unknown";
        String line = String.format(
                Locale.ROOT,
                "%s: %,d of %,d %s (%.0f%%), %s/s, %s  %s",
                what,
                done,
                total,
                unit,
                total == 0 ? 100.0 : 100.0 * done / total,
                rate < 10 ? Digits.fixed(rate, 2) : String.format(Locale.ROOT, "%,.0f", rate),
                left,
                detail);
        System.err.print(terminal ? "\r\033[K" + line : line + "\n");
    }

    public void done(String detail) {
        if (oneOfMany) {
            return;
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        String line = String.format(Locale.ROOT, "%s: done in %.1f s  %s", what, seconds, detail);
        System.err.println((terminal ? "\r\033[K" : "") + line.stripTrailing());
    }
}

package dev.uncurl.jobs.report;

import dev.uncurl.jobs.output.Digits;
import java.util.List;
import java.util.Locale;

/**
 * Differences from a baseline as points with whiskers, drawn as SVG: one row per subject, with its name, difference and
 * letters as text above the whisker. What a point means is in its form as well as its colour: an open circle is within
 * noise, a diamond is worse, a triangle is better.
 *
 * @param axis of the differences; covers 0 and all intervals
 */
record IntervalChart(Axis axis) {
    static final int WIDTH = 350;
    private static final int SIDE = 14;
    private static final int ROW = 38;
    private static final int FOOT = 22;
    private static final double SIZE = 5;

    /** The axis for rows that are drawn together. */
    static Axis axis(List<Compared> rows) {
        double low = rows.stream().mapToDouble(Compared::low).min().orElse(0);
        double high = rows.stream().mapToDouble(Compared::high).max().orElse(0);
        return Axis.covering(Math.min(0, low), Math.max(0, high), 5);
    }

    /** @param title text alternative of the whole drawing */
    void draw(Markup page, String title, List<Compared> rows) {
        int bottom = 6 + ROW * rows.size();
        page.chart(WIDTH, bottom + FOOT, title + ". " + alternative(rows));
        for (double tick : axis.ticks()) {
            String x = at(x(tick));
            page.empty("line", "class", tick == 0 ? "zero" : "grid", "x1", x, "x2", x, "y1", "6", "y2", at(bottom));
            page.element(
                    "text", axis.label(tick), "x", x, "y", at(bottom + 15), "text-anchor", "middle", "class", "tick");
        }
        for (int i = 0; i < rows.size(); i++) {
            row(page, rows.get(i), 6 + ROW * i);
        }
        page.close();
    }

    private void row(Markup page, Compared row, int top) {
        double middle = top + 26;
        String kind = kind(row.verdict());
        page.open("g", "class", kind);
        page.element("title", words(row));
        page.element("text", row.setting(), "x", "2", "y", at(top + 14));
        page.element(
                "text",
                signed(row.difference()) + (row.lettersOrNone().isEmpty() ? "" : "  " + row.lettersOrNone()),
                "x",
                at(WIDTH - 2),
                "y",
                at(top + 14),
                "text-anchor",
                "end");
        double low = x(row.low());
        double high = x(row.high());
        page.empty(
                "path",
                "class",
                "whisker",
                "d",
                String.format(
                        Locale.ROOT,
                        "M%.1f %.1fH%.1fM%.1f %.1fv8M%.1f %.1fv8",
                        low,
                        middle,
                        high,
                        low,
                        middle - 4,
                        high,
                        middle - 4));
        page.empty("path", "class", "point", "d", point(row.verdict(), x(row.difference()), middle));
        page.close();
    }

    /** The form of a verdict around a place. */
    static String point(Verdict verdict, double x, double y) {
        return switch (verdict) {
            case WITHIN_NOISE -> String.format(
                    Locale.ROOT,
                    "M%.1f %.1fa%.1f %.1f 0 1 0 %.1f 0a%.1f %.1f 0 1 0 %.1f 0z",
                    x - SIZE,
                    y,
                    SIZE,
                    SIZE,
                    2 * SIZE,
                    SIZE,
                    SIZE,
                    -2 * SIZE);
            case WORSE -> String.format(
                    Locale.ROOT,
                    "M%.1f %.1fl%.1f %.1fl%.1f %.1fl%.1f %.1fz",
                    x,
                    y - SIZE - 1,
                    SIZE + 1,
                    SIZE + 1,
                    -SIZE - 1,
                    SIZE + 1,
                    -SIZE - 1,
                    -SIZE - 1);
            case BETTER -> String.format(
                    Locale.ROOT, "M%.1f %.1fl%.1f %.1fh%.1fz", x, y - SIZE - 1, SIZE + 1, 2 * SIZE, -2 * SIZE - 2);
        };
    }

    static String kind(Verdict verdict) {
        return switch (verdict) {
            case WITHIN_NOISE -> "noise";
            case WORSE -> "worse";
            case BETTER -> "better";
        };
    }

    /** The form of a verdict by itself, for a legend. */
    static void key(Markup page, Verdict verdict) {
        page.open(
                "svg", "class", "chart", "viewBox", "0 0 14 14", "width", "14", "height", "14", "aria-hidden", "true");
        page.empty("path", "class", "point", "d", point(verdict, 7, 7));
        page.close();
    }

    /** What the forms mean, as a line of the page. */
    static void legend(Markup page) {
        page.open("p", "class", "key");
        for (Verdict verdict : Verdict.values()) {
            page.open("span", "class", kind(verdict));
            key(page, verdict);
            page.text(" " + verdict.words() + (verdict == Verdict.WITHIN_NOISE ? " (the interval contains 0)" : ""))
                    .close();
        }
        page.close();
    }

    private static String alternative(List<Compared> rows) {
        return String.join("; ", rows.stream().map(IntervalChart::words).toList());
    }

    private static String words(Compared row) {
        return row.setting() + ": " + signed(row.difference()) + ", 95% from " + signed(row.low()) + " to "
                + signed(row.high()) + ", " + row.verdict().words();
    }

    static String signed(double value) {
        return (value > 0 ? "+" : "") + Digits.fixed(value, 3);
    }

    private double x(double value) {
        return SIDE + axis.share(value) * (WIDTH - 2 * SIDE);
    }

    private static String at(double place) {
        return Digits.fixed(place, 1);
    }
}

package dev.uncurl.jobs.report;

import dev.uncurl.jobs.output.Digits;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Settings as points with whiskers, drawn as SVG: cost against size. A line follows the frontier, whose points have numbers; the
 * form of a point is its verdict, as in {@link IntervalChart}. A point says what it is when the mouse is over it; those of the
 * frontier also when the keyboard is on them.
 *
 * @param quantity what the horizontal axis has, such as "MB"
 * @param size place of a setting on it
 * @param dominated whether a setting is behind the frontier of this size
 */
record FrontierChart(String quantity, Function<SettingRow, Optional<Double>> size, Predicate<SettingRow> dominated) {
    static final int WIDTH = 350;
    private static final int HEIGHT = 290;
    private static final int LEFT = 46;
    private static final int RIGHT = 12;
    private static final int TOP = 26;
    private static final int BOTTOM = 38;
    /** Between the frame and the outermost ticks of the horizontal axis. */
    private static final int PAD = 16;
    /** Between points of one size. */
    private static final double BESIDE = 11;
    /** Points of one size take no more: their place is their size. */
    private static final double MOST_BESIDE = 3 * BESIDE;

    static final FrontierChart BYTES =
            new FrontierChart("MB", row -> row.bytes().map(bytes -> bytes / 1e6), row -> row.dominated()
                    .orElse(true));
    static final FrontierChart LATENCY = new FrontierChart(
            "time, as a multiple of the unpruned model's", SettingRow::latencyRatio, row -> row.latencyDominated()
                    .orElse(true));

    private record Scales(Axis x, Axis y) {
        double x(double value) {
            return LEFT + PAD + x.share(value) * (WIDTH - LEFT - RIGHT - 2 * PAD);
        }

        /** A value beyond the axis is drawn at its end. */
        double y(double value) {
            double share = Math.max(0, Math.min(1, y.share(value)));
            return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM);
        }
    }

    /** Rows that have what it takes to be drawn. */
    List<SettingRow> drawable(List<SettingRow> rows) {
        return rows.stream()
                .filter(row -> size.apply(row).isPresent() && row.difference().isPresent())
                .toList();
    }

    /** The settings of the frontier, the smallest first: the point with number 1, 2, ... */
    List<SettingRow> frontier(List<SettingRow> rows) {
        return drawable(rows).stream()
                .filter(row -> !dominated.test(row))
                .sorted(Comparator.comparing((SettingRow row) -> size.apply(row).orElseThrow())
                        .thenComparing(SettingRow::position))
                .toList();
    }

    /** @param title text alternative, before what each point says */
    void draw(Markup page, String title, List<SettingRow> all) {
        List<SettingRow> rows = drawable(all);
        Scales scales = scales(rows);
        page.chart(WIDTH, HEIGHT, title + ". " + rows.stream().map(this::words).collect(Collectors.joining("; ")));
        axes(page, scales);
        List<SettingRow> frontier = frontier(rows);
        line(page, scales, frontier);
        NavigableMap<Double, List<SettingRow>> bySize = rows.stream()
                .sorted(Comparator.comparingDouble(SettingRow::cost).thenComparingInt(SettingRow::position))
                .collect(
                        Collectors.groupingBy(row -> size.apply(row).orElseThrow(), TreeMap::new, Collectors.toList()));
        bySize.forEach((place, beside) -> {
            double step = step(scales, place, bySize.lowerKey(place), bySize.higherKey(place), beside.size());
            for (int i = 0; i < beside.size(); i++) {
                double x = scales.x(place) + i * step;
                point(page, scales, beside.get(i), x, frontier.indexOf(beside.get(i)));
            }
        });
        page.close();
    }

    /** The best of a size is at its place, the others beside it where there is more room, and before the next size on that side. */
    private static double step(Scales scales, double place, Double previous, Double next, int count) {
        double x = scales.x(place);
        double right = (next == null ? WIDTH - RIGHT : scales.x(next) - PAD) - x;
        double left = x - (previous == null ? LEFT : scales.x(previous) + PAD);
        double room = Math.min(MOST_BESIDE, Math.max(0, Math.max(right, left)));
        double step = Math.min(BESIDE, room / Math.max(1, count - 1));
        return right >= left ? step : -step;
    }

    private Scales scales(List<SettingRow> rows) {
        double low = Double.POSITIVE_INFINITY;
        double high = 0;
        double bottom = 0;
        double top = 0;
        for (SettingRow row : rows) {
            low = Math.min(low, size.apply(row).orElseThrow());
            high = Math.max(high, size.apply(row).orElseThrow());
            if (isBeside(row, rows)) {
                continue;
            }
            bottom = Math.min(bottom, row.low().orElse(row.difference().orElseThrow()));
            top = Math.max(top, row.high().orElse(row.difference().orElseThrow()));
        }
        return new Scales(Axis.covering(low, high, 5), Axis.covering(bottom, top, 6));
    }

    /** Controls do not stretch the axis of the methods, if there are methods. */
    private static boolean isBeside(SettingRow row, List<SettingRow> rows) {
        boolean own = row.is(SettingName.METHOD) || row.is(SettingName.PARENT);
        return !own && rows.stream().anyMatch(one -> one.is(SettingName.METHOD));
    }

    private void axes(Markup page, Scales scales) {
        String left = at(LEFT);
        String right = at(WIDTH - RIGHT);
        for (double tick : scales.y.ticks()) {
            String y = at(scales.y(tick));
            page.empty("line", "class", tick == 0 ? "zero" : "grid", "x1", left, "x2", right, "y1", y, "y2", y);
            String label = scales.y.label(tick);
            page.element(
                    "text",
                    tick > 0 ? "+" + label : label,
                    "class",
                    "tick",
                    "x",
                    at(LEFT - 5),
                    "y",
                    at(scales.y(tick) + 4),
                    "text-anchor",
                    "end");
        }
        for (double tick : scales.x.ticks()) {
            String x = at(scales.x(tick));
            page.empty(
                    "line",
                    "class",
                    "grid",
                    "x1",
                    x,
                    "x2",
                    x,
                    "y1",
                    at(HEIGHT - BOTTOM),
                    "y2",
                    at(HEIGHT - BOTTOM + 4));
            page.element(
                    "text",
                    scales.x.label(tick),
                    "class",
                    "tick",
                    "x",
                    x,
                    "y",
                    at(HEIGHT - BOTTOM + 16),
                    "text-anchor",
                    "middle");
        }
        page.element(
                "text",
                quantity,
                "class",
                "tick",
                "x",
                at((LEFT + WIDTH - RIGHT) / 2.0),
                "y",
                at(HEIGHT - 5),
                "text-anchor",
                "middle");
    }

    /** A staircase: at each size the best that is reached with that size or less. */
    private void line(Markup page, Scales scales, List<SettingRow> frontier) {
        if (frontier.size() < 2) {
            return;
        }
        var path = new StringBuilder();
        for (SettingRow row : frontier) {
            double x = scales.x(size.apply(row).orElseThrow());
            double y = scales.y(row.difference().orElseThrow());
            path.append(
                    path.isEmpty()
                            ? String.format(Locale.ROOT, "M%.1f %.1f", x, y)
                            : String.format(Locale.ROOT, "H%.1fV%.1f", x, y));
        }
        page.empty("path", "class", "curve", "d", path.toString());
    }

    /** @param number on the frontier, from 0; below 0 if it is dominated */
    private void point(Markup page, Scales scales, SettingRow row, double x, int number) {
        double y = scales.y(row.difference().orElseThrow());
        Verdict verdict = verdict(row);
        String kind = IntervalChart.kind(verdict) + " spot"
                + (row.is(SettingName.METHOD) || row.is(SettingName.PARENT) ? "" : " control");
        if (number < 0) {
            page.open("g", "class", kind);
        } else {
            page.open("g", "class", kind, "tabindex", "0");
        }
        page.element("title", words(row));
        page.element("text", tip(row), "class", "tip", "x", at(LEFT), "y", "14");
        if (row.low().isPresent() && row.high().isPresent()) {
            page.empty(
                    "path",
                    "class",
                    "whisker",
                    "d",
                    String.format(
                            Locale.ROOT,
                            "M%.1f %.1fV%.1f",
                            x,
                            scales.y(row.low().get()),
                            scales.y(row.high().get())));
        }
        page.empty("path", "class", "point", "d", IntervalChart.point(verdict, x, y));
        beyond(scales.y, row.difference().orElseThrow())
                .ifPresent(arrow -> page.element("text", arrow, "x", at(x + 7), "y", at(y + 4)));
        if (number >= 0) {
            page.element(
                    "text",
                    Integer.toString(number + 1),
                    "class",
                    "number",
                    "x",
                    at(x - 7),
                    "y",
                    at(y + 14),
                    "text-anchor",
                    "end");
        }
        page.close();
    }

    private static Optional<String> beyond(Axis axis, double value) {
        return value > axis.to()
                ? Optional.of("\u2191")
                : value < axis.from() ? Optional.of("\u2193") : Optional.empty();
    }

    /** Within noise without an interval. */
    static Verdict verdict(SettingRow row) {
        if (row.low().isEmpty() || row.low().get() <= 0 && 0 <= row.high().orElseThrow()) {
            return Verdict.WITHIN_NOISE;
        }
        return row.cost() > 0 ? Verdict.WORSE : Verdict.BETTER;
    }

    private static String tip(SettingRow row) {
        return row.settingName().text()
                + row.experts().map(k -> ", K = " + k).orElse("") + ": "
                + IntervalChart.signed(row.difference().orElseThrow());
    }

    private String words(SettingRow row) {
        return row.name() + row.experts().map(k -> ", K = " + k).orElse("") + ", "
                + Digits.fixed(size.apply(row).orElseThrow(), 2) + (quantity.equals("MB") ? " MB" : "") + ": "
                + IntervalChart.signed(row.difference().orElseThrow())
                + row.low()
                        .map(low -> ", 95% from " + IntervalChart.signed(low) + " to "
                                + IntervalChart.signed(row.high().orElseThrow()))
                        .orElse(", without an interval");
    }

    private static String at(double place) {
        return Digits.fixed(place, 1);
    }
}

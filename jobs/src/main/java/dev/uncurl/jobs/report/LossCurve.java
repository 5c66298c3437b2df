package dev.uncurl.jobs.report;

import dev.uncurl.jobs.output.Digits;
import dev.uncurl.jobs.warehouse.row.MetricsRow;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Collectors;

/**
 * The loss of one training run over its tokens, drawn as SVG: a line for training, dots for validation, and a dashed line
 * for the unigram model.
 *
 * @param rows at least one, by step
 * @param unigram loss of the unigram model on the validation split, if it was measured
 */
record LossCurve(String run, List<MetricsRow> rows, OptionalDouble unigram) {
    private static final int WIDTH = 350;
    private static final int HEIGHT = 220;
    private static final int LEFT = 34;
    private static final int BOTTOM = HEIGHT - 24;
    private static final int TOP = 12;
    /** More points than this would not be seen on the width of the chart. */
    static final int POINTS = 300;

    /** A mean of losses over consecutive rows, at their last token. */
    record Point(double tokens, double loss) {}

    /** Training losses, as means over as many consecutive rows as it takes to have {@value #POINTS} at most. */
    List<Point> training() {
        int width = (rows.size() + POINTS - 1) / POINTS;
        var points = new ArrayList<Point>();
        for (int from = 0; from < rows.size(); from += width) {
            List<MetricsRow> part = rows.subList(from, Math.min(rows.size(), from + width));
            points.add(new Point(
                    part.get(part.size() - 1).tokens(),
                    part.stream().mapToDouble(MetricsRow::loss).average().orElseThrow()));
        }
        return points;
    }

    List<Point> validation() {
        return rows.stream()
                .filter(row -> row.validationLoss().isPresent())
                .map(row -> new Point(row.tokens(), row.validationLoss().get()))
                .toList();
    }

    Optional<Double> lastValidation() {
        List<Point> points = validation();
        return points.isEmpty()
                ? Optional.empty()
                : Optional.of(points.get(points.size() - 1).loss());
    }

    /** The drawing in words. */
    String summary() {
        List<Point> training = training();
        var words = new StringBuilder(String.format(
                Locale.ROOT,
                "Training loss (line) from %s to %s over %,d tokens",
                Digits.fixed(training.get(0).loss, 2),
                Digits.fixed(training.get(training.size() - 1).loss, 2),
                rows.get(rows.size() - 1).tokens()));
        lastValidation().ifPresent(loss -> words.append("; validation (dots) ").append(Digits.fixed(loss, 2)));
        unigram.ifPresent(loss -> words.append("; a model that knows only how frequent each token is (dashed) ")
                .append(Digits.fixed(loss, 2)));
        return words.append(". Nats per token.").toString();
    }

    void draw(Markup page) {
        List<Point> training = training();
        var all = new ArrayList<Double>();
        training.forEach(point -> all.add(point.loss));
        validation().forEach(point -> all.add(point.loss));
        unigram.ifPresent(all::add);
        var y = Axis.covering(
                all.stream().min(Double::compare).orElseThrow(),
                all.stream().max(Double::compare).orElseThrow(),
                6);
        var x = Axis.covering(0, training.get(training.size() - 1).tokens, 4);
        page.chart(WIDTH, HEIGHT, run + ". " + summary());
        axes(page, x, y);
        page.empty(
                "polyline",
                "class",
                "curve",
                "points",
                training.stream()
                        .map(point -> at(x(x, point.tokens)) + "," + at(y(y, point.loss)))
                        .collect(Collectors.joining(" ")));
        for (Point point : validation()) {
            page.empty("circle", "class", "dot", "cx", at(x(x, point.tokens)), "cy", at(y(y, point.loss)), "r", "3.5");
        }
        unigram.ifPresent(loss -> {
            String at = at(y(y, loss));
            page.empty("line", "class", "unigram", "x1", at(LEFT), "x2", at(WIDTH - 4), "y1", at, "y2", at);
            page.element(
                    "text",
                    "unigram " + Digits.fixed(loss, 2),
                    "x",
                    at(WIDTH - 4),
                    "y",
                    at(y(y, loss) - 4),
                    "text-anchor",
                    "end");
        });
        page.close();
    }

    private static void axes(Markup page, Axis x, Axis y) {
        for (double tick : y.ticks()) {
            String at = at(y(y, tick));
            page.empty("line", "class", "grid", "x1", at(LEFT), "x2", at(WIDTH - 4), "y1", at, "y2", at);
            page.element(
                    "text",
                    y.label(tick),
                    "class",
                    "tick",
                    "x",
                    at(LEFT - 5),
                    "y",
                    at(y(y, tick) + 4),
                    "text-anchor",
                    "end");
        }
        double most = x.to();
        double unit = most >= 2e6 ? 1e6 : most >= 2e3 ? 1e3 : 1;
        for (double tick : x.ticks()) {
            boolean last = tick == most;
            String label = tick == 0
                    ? "0"
                    : Digits.fixed(tick / unit, tick / unit % 1 == 0 ? 0 : 1)
                            + (unit == 1e6 ? "M" : unit == 1e3 ? "k" : "");
            page.element(
                    "text",
                    last ? label + " tokens" : label,
                    "class",
                    "tick",
                    "x",
                    at(last ? WIDTH - 2 : x(x, tick)),
                    "y",
                    at(HEIGHT - 8),
                    "text-anchor",
                    last ? "end" : "middle");
        }
    }

    private static double x(Axis axis, double tokens) {
        return LEFT + axis.share(tokens) * (WIDTH - 24 - LEFT);
    }

    private static double y(Axis axis, double loss) {
        return BOTTOM - axis.share(loss) * (BOTTOM - TOP);
    }

    private static String at(double place) {
        return Digits.fixed(place, 1);
    }
}

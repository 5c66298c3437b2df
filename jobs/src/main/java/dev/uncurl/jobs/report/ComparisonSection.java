package dev.uncurl.jobs.report;

import dev.uncurl.jobs.output.Digits;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Draws a comparison into a page: for each metric a chart for each K, what it says in words, and the numbers. */
final class ComparisonSection {
    private static final List<String> COLUMNS = List.of(
            "K",
            "difference",
            "95% interval",
            "letters",
            "value",
            "detectable",
            "worse by margin",
            "p (Holm)",
            "seeds",
            "remarks");
    /** Panels share an axis if the narrowest would fill at least this part of it. */
    private static final double NARROWEST = 0.2;

    private final Markup page;
    private final StoredComparison comparison;
    private final int expertsBefore;

    /** @param expertsBefore experts per layer of the unpruned model */
    ComparisonSection(Markup page, StoredComparison comparison, int expertsBefore) {
        this.page = page;
        this.comparison = comparison;
        this.expertsBefore = expertsBefore;
    }

    /** @param name ends the captions of the tables, so that each is there once */
    void draw(String name) {
        List<String> metrics = comparison.metrics();
        metric(metrics.get(0), name);
        for (String metric : metrics.subList(1, metrics.size())) {
            page.open("details").element("summary", "The same for " + metric + ", " + name);
            metric(metric, name);
            page.close();
        }
    }

    private void metric(String metric, String name) {
        List<Compared> rows = comparison.of(metric);
        page.element("h3", metric + ": what pruning costs, " + name);
        legend(metric);
        Map<Optional<Integer>, List<Compared>> panels = comparison.byExperts(metric);
        Optional<Axis> shared = sharedAxis(panels.values().stream().toList());
        if (panels.size() > 1) {
            page.element(
                    "p",
                    shared.isPresent()
                            ? "All panels have the same axis."
                            : "The panels have different axes, since the differences are of different size.");
        }
        page.open("div", "class", "beside charts");
        panels.forEach((experts, subjects) -> {
            String panel = experts.map(k -> "K = " + k + " of " + expertsBefore + " experts per layer")
                    .orElse("Not pruned");
            page.open("section").element("h4", panel);
            new IntervalChart(shared.orElseGet(() -> IntervalChart.axis(subjects)))
                    .draw(page, metric + ", " + panel, subjects);
            sentences(sentencesOf(subjects));
            page.close();
        });
        page.close();
        table(metric, name, rows);
        sentences(Findings.limits(rows));
    }

    private static List<String> sentencesOf(List<Compared> subjects) {
        var sentences = new ArrayList<>(Findings.againstBaseline(subjects));
        Findings.notSeparated(subjects).ifPresent(sentences::add);
        return sentences;
    }

    private void sentences(List<String> sentences) {
        if (!sentences.isEmpty()) {
            page.open("ul");
            sentences.forEach(sentence -> page.element("li", sentence));
            page.close();
        }
    }

    /** The axis of all panels together, unless one of them would be too narrow on it. */
    static Optional<Axis> sharedAxis(List<List<Compared>> panels) {
        Axis all = IntervalChart.axis(panels.stream().flatMap(List::stream).toList());
        return panels.stream()
                        .map(IntervalChart::axis)
                        .allMatch(axis -> axis.to() - axis.from() >= NARROWEST * (all.to() - all.from()))
                ? Optional.of(all)
                : Optional.empty();
    }

    private void legend(String metric) {
        Optional<Compared> baseline = comparison.baseline(metric);
        boolean loss = Compared.lowerIsBetter(metric);
        page.element(
                "p",
                "0 is " + comparison.against()
                        + baseline.map(row -> ", whose " + metric + " is " + Digits.of(row.value())
                                        + (row.has("constant") ? " (always the same answer)" : ""))
                                .orElse("")
                        + ". A point is the difference from it on the same examples"
                        + ", " + Compared.unit(metric) + ": further right is "
                        + (loss ? "worse" : "better") + ". A whisker is the 95% interval.");
        IntervalChart.legend(page);
        page.element(
                "p",
                "The letters behind a difference: settings that share one are not separated by these examples, whatever"
                        + " their order here.");
    }

    private void table(String metric, String name, List<Compared> rows) {
        List<List<String>> cells = rows.stream().map(this::cells).toList();
        int[] filled = IntStream.range(0, COLUMNS.size())
                .filter(column ->
                        cells.stream().anyMatch(row -> !row.get(column).isEmpty()))
                .toArray();
        HeatMap.open(
                page,
                metric + " against " + comparison.against() + ", " + name,
                "method",
                IntStream.of(filled).mapToObj(COLUMNS::get).toList(),
                false);
        for (int i = 0; i < rows.size(); i++) {
            Compared row = rows.get(i);
            page.open("tr").element("th", row.setting(), "scope", "row", "title", row.subject());
            for (int column : filled) {
                page.element("td", cells.get(i).get(column));
            }
            page.close();
        }
        HeatMap.close(page);
    }

    private List<String> cells(Compared row) {
        boolean baseline = row.isBaseline();
        String value = row.valueLow().isPresent() && row.valueHigh().isPresent()
                ? String.format(
                        Locale.ROOT,
                        "%s (%s to %s)",
                        Digits.fixed(row.value(), 3),
                        Digits.fixed(row.valueLow().get(), 3),
                        Digits.fixed(row.valueHigh().get(), 3))
                : Digits.fixed(row.value(), 3);
        return List.of(
                row.experts().map(String::valueOf).orElse(baseline ? Integer.toString(expertsBefore) : ""),
                baseline ? "" : IntervalChart.signed(row.difference()),
                baseline ? "" : IntervalChart.signed(row.low()) + " to " + IntervalChart.signed(row.high()),
                row.lettersOrNone(),
                row.has("constant") ? value + " constant" : value,
                baseline
                        ? ""
                        : row.detectable().map(size -> Digits.fixed(size, 3)).orElse(""),
                baseline ? "" : row.worseByMoreThanTheMargin(),
                row.pHolm().map(p -> Digits.fixed(p, 3)).orElse(""),
                Integer.toString(row.seeds()),
                row.remarks());
    }

    /** Verdicts by the first metric, counted for each K: "K = 4: 1 within noise, 3 worse; K = 2: 4 worse". */
    static String count(StoredComparison comparison) {
        return comparison.byExperts(comparison.metrics().get(0)).entrySet().stream()
                .map(panel ->
                        panel.getKey().map(k -> "K = " + k).orElse("not pruned") + ": " + counts(panel.getValue()))
                .collect(Collectors.joining("; "));
    }

    private static String counts(List<Compared> subjects) {
        Map<Verdict, Long> counts = subjects.stream()
                .collect(Collectors.groupingBy(Compared::verdict, TreeMap::new, Collectors.counting()));
        return counts.entrySet().stream()
                .map(entry -> entry.getValue() + " " + entry.getKey().words())
                .collect(Collectors.joining(", "));
    }
}

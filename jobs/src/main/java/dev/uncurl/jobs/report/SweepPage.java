package dev.uncurl.jobs.report;

import dev.uncurl.jobs.output.Digits;
import dev.uncurl.jobs.report.SweepStudy.Calibrated;
import dev.uncurl.jobs.report.SweepStudy.Change;
import dev.uncurl.jobs.report.SweepStudy.Group;
import dev.uncurl.jobs.report.SweepStudy.Smallest;
import dev.uncurl.jobs.warehouse.row.CellRow;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** A {@link SweepStudy} as one HTML page: the answer first, then the numbers behind it, failures, and the lines that give them. */
final class SweepPage {
    private static final int MOST_CHANGES = 30;

    private final SweepStudy study;
    private Markup page;

    SweepPage(SweepStudy study) {
        this.study = study;
    }

    byte[] toBytes() {
        String title = "Sweep " + study.sweep() + " of " + study.asOf();
        return HtmlPage.of(title, markup -> {
            page = markup;
            page.element("h1", title);
            state();
            answer();
            changes();
            new FactorTable(page, study).draw();
            boolean first = true;
            for (Group group : study.groups()) {
                new SweepSection(page, study, group, first).draw();
                first = false;
            }
            calibration();
            failures();
            lines();
        });
    }

    private long count(String state) {
        return study.cells().stream().filter(cell -> cell.state().equals(state)).count();
    }

    private void state() {
        long failed = count("failed");
        long left = count("waiting") + count("running");
        double seconds = study.cells().stream()
                .mapToDouble(cell -> cell.seconds().orElse(0.0))
                .sum();
        page.element(
                "p",
                String.format(
                        Locale.ROOT,
                        "%,d of %,d cells are done%s%s; %s minutes of computing on this date.",
                        count("done"),
                        study.cells().size(),
                        failed > 0 ? String.format(Locale.ROOT, ", %,d failed (see Failures)", failed) : "",
                        left > 0 ? String.format(Locale.ROOT, ", %,d are left", left) : "",
                        Digits.fixed(seconds / 60, 1)));
    }

    private void answer() {
        page.element("h2", "The answer");
        page.open("ul");
        for (Group group : study.groups()) {
            page.element("li", group.name() + ", by " + study.metric(group) + ": " + answer(group));
        }
        page.close();
        page.element(
                "p",
                "Not worse means: the 95% interval of the difference, paired by example, excludes that it is worse by more than"
                        + " the margin. Each plan is tested by itself, so of many plans some pass by chance.");
    }

    private String answer(Group group) {
        Smallest smallest = study.smallest(group).orElse(null);
        if (smallest == null || !smallest.compared()) {
            return "nothing was compared: the results of the unpruned model or of its plans are not there.";
        }
        String margin = Digits.fixed(smallest.margin().orElseThrow(), 3);
        var plan = study.plan(group).filter(SweepStudy.ChosenPlan::notWorse);
        if (smallest.method().isEmpty() || plan.isEmpty()) {
            return "none of the " + smallest.settings() + " plans is shown to cost at most " + margin
                    + " more than the unpruned model.";
        }
        SettingRow row = plan.get().setting();
        return "the smallest plan that is not worse than the unpruned model by more than " + margin + " is "
                + row.name()
                + " with K = " + row.experts().orElseThrow() + " of " + group.experts() + " experts: "
                + IntervalChart.signed(row.difference().orElseThrow()) + " ("
                + IntervalChart.signed(row.low().orElseThrow()) + " to "
                + IntervalChart.signed(row.high().orElseThrow()) + ")"
                + smallest.ofBytesBefore()
                        .map(share -> ", at " + Digits.fixed(100 * share, 0) + "% of the bytes")
                        .orElse("")
                + ".";
    }

    private void changes() {
        page.element("h2", "What changed");
        if (study.previous().isEmpty()) {
            page.element("p", "This is the first date of the sweep.");
            return;
        }
        List<Change> changes = study.changes();
        page.element(
                "p",
                changes.isEmpty()
                        ? "Nothing since " + study.previous().get()
                                + ": the same frontier, and no difference beyond the intervals."
                        : "Since " + study.previous().get()
                                + ". Worse and better: the 95% intervals of both dates do not overlap.");
        if (changes.isEmpty()) {
            return;
        }
        HeatMap.open(
                page,
                "Changes",
                "setting",
                List.of("K", "change", "metric", "model and task", "value", "before"),
                false,
                Set.of("change", "metric", "model and task"));
        for (Change change : changes.subList(0, Math.min(MOST_CHANGES, changes.size()))) {
            page.open("tr").element("th", change.name(), "scope", "row");
            page.element("td", change.experts().map(String::valueOf).orElse(""));
            page.element("td", change.change(), "class", "word");
            page.element("td", change.metric(), "class", "word");
            page.element(
                    "td",
                    change.modelId() + " on " + change.task()
                            + change.recipe().map(name -> ", " + name).orElse(""),
                    "class",
                    "word");
            page.element("td", Digits.fixed(change.value(), 3));
            page.element(
                    "td",
                    change.valueBefore().map(value -> Digits.fixed(value, 3)).orElse(""));
            page.close();
        }
        HeatMap.close(page);
        if (changes.size() > MOST_CHANGES) {
            page.element("p", "And " + (changes.size() - MOST_CHANGES) + " more: the view sweep_changes has all.");
        }
    }

    private void calibration() {
        if (study.calibration().isEmpty()) {
            return;
        }
        page.element("h2", "How many tokens are enough");
        page.element(
                "p",
                "The experts that a method would keep from the first sequences of the dump, beside those from all: Jaccard"
                        + " index (1: the same experts), mean over the layers and, in brackets, the lowest. Correlation: of the"
                        + " ranks of all experts. Methods that cluster are not shown.");
        Map<String, List<Calibrated>> tables = study.calibration().stream()
                .collect(Collectors.groupingBy(
                        row -> row.modelId() + " on " + row.task() + " (" + row.split() + "), K = " + row.experts(),
                        LinkedHashMap::new,
                        Collectors.toList()));
        boolean first = true;
        for (var table : tables.entrySet()) {
            if (!first) {
                page.open("details").element("summary", table.getKey());
            }
            calibration(table.getKey(), table.getValue());
            if (!first) {
                page.close();
            }
            first = false;
        }
    }

    private void calibration(String caption, List<Calibrated> rows) {
        List<String> methods = rows.stream().map(Calibrated::method).distinct().toList();
        var columns = methods.stream()
                .flatMap(method -> List.of(method, method + " correlation").stream())
                .toList();
        HeatMap.open(page, "Calibration, " + caption, "tokens", columns, false);
        Map<Long, List<Calibrated>> byTokens =
                rows.stream().collect(Collectors.groupingBy(Calibrated::tokens, TreeMap::new, Collectors.toList()));
        byTokens.forEach((tokens, prefix) -> {
            page.open("tr")
                    .element(
                            "th",
                            String.format(Locale.ROOT, "%,d", tokens),
                            "scope",
                            "row",
                            "title",
                            prefix.get(0).sequences() + " sequences");
            for (String method : methods) {
                Calibrated row = prefix.stream()
                        .filter(one -> one.method().equals(method))
                        .findFirst()
                        .orElseThrow();
                page.element("td", Digits.fixed(row.jaccard(), 2) + " (" + Digits.fixed(row.leastJaccard(), 2) + ")");
                page.element(
                        "td",
                        row.rankCorrelation()
                                .map(value -> Digits.fixed(value, 2))
                                .orElse(""));
            }
            page.close();
        });
        HeatMap.close(page);
    }

    private void failures() {
        List<CellRow> failed = study.cells().stream()
                .filter(cell -> cell.state().equals("failed"))
                .toList();
        if (failed.isEmpty()) {
            return;
        }
        page.element("h2", "Failures");
        page.element("p", "The next run of the sweep tries these cells again.");
        HeatMap.open(
                page,
                "Failed cells",
                "cell",
                List.of("K", "seed", "model", "task", "attempts", "message"),
                false,
                Set.of("model", "task", "message"));
        for (CellRow cell : failed) {
            page.open("tr")
                    .element(
                            "th",
                            SettingName.of(cell).text()
                                    + cell.router()
                                            .map(rule -> " (" + rule + ")")
                                            .orElse(""),
                            "scope",
                            "row",
                            "title",
                            cell.cellId());
            page.element("td", cell.expertsAfter().map(String::valueOf).orElse(""));
            page.element("td", cell.seed().map(String::valueOf).orElse(""));
            page.element("td", cell.modelId(), "class", "word");
            page.element("td", cell.task(), "class", "word");
            page.element("td", Integer.toString(cell.attempts()));
            page.element("td", cell.error().orElse(""), "class", "word message");
            page.close();
        }
        HeatMap.close(page);
    }

    private void lines() {
        page.element("h2", "How to get these numbers again");
        page.element("p", "Lines for a shell in the folder of the checkout. One click selects a whole line.");
        page.open("dl");
        new SweepLines(study).lines().forEach((what, line) -> {
            page.element("dt", what).open("dd").open("pre", "tabindex", "0", "aria-label", what);
            page.element("code", line).close().close();
        });
        page.close();
    }
}

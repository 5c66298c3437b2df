package dev.uncurl.jobs.report;

import dev.uncurl.jobs.output.Digits;
import dev.uncurl.jobs.report.SweepStudy.Group;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Predicate;

/** What a sweep says of one model on one task: frontier, methods by K, controls, the plan that it leads to. */
final class SweepSection {
    private final Markup page;
    private final SweepStudy study;
    private final Group group;
    private final String metric;
    private final List<SettingRow> rows;
    private final boolean explained;

    /** @param explained whether to say how to read the charts and tables: the first section of a page does */
    SweepSection(Markup page, SweepStudy study, Group group, boolean explained) {
        this.page = page;
        this.study = study;
        this.group = group;
        this.metric = study.metric(group);
        this.rows = study.of(group, metric);
        this.explained = explained;
    }

    void draw() {
        page.element("h2", group.name());
        page.element("p", rows.get(0).data() + ", split " + group.split() + ".");
        frontier();
        new SettingMap(page, group, metric, rows).draw(explained);
        controls();
        study.plan(group).ifPresent(plan -> PlanTable.draw(page, plan));
        intervals();
    }

    private void frontier() {
        page.element("h3", "Frontier: " + metric + " against size");
        if (explained) {
            howToRead();
        }
        IntervalChart.legend(page);
        page.open("div", "class", "beside charts");
        chart(FrontierChart.BYTES, "By size");
        if (FrontierChart.LATENCY.drawable(rows).size() > 1) {
            chart(FrontierChart.LATENCY, "By time");
        }
        page.close();
        page.open("details").element("summary", "The numbers behind it");
        table();
        page.close();
    }

    private void howToRead() {
        String worse = Compared.lowerIsBetter(metric) ? "higher is worse" : "lower is worse";
        page.element(
                "p",
                "A point is the difference from the unpruned model, " + Compared.unit(metric) + ": " + worse
                        + ". Its whisker is the 95% interval. Points of one size are drawn side by side, the best at its place. The line and the"
                        + " numbers follow the frontier: no setting of at most that size is better. Dashed: controls. The"
                        + " vertical axis is that of the methods; a control with an arrow is beyond it.");
    }

    private void chart(FrontierChart chart, String heading) {
        page.open("section").element("h4", heading);
        if (chart.drawable(rows).isEmpty()) {
            page.element("p", "There is nothing to draw: sizes or results of the unpruned model are not known.")
                    .close();
            return;
        }
        chart.draw(page, metric + " against " + chart.quantity() + ", " + group.name(), rows);
        page.open("ol");
        for (SettingRow row : chart.frontier(rows)) {
            page.element(
                    "li",
                    row.name() + row.experts().map(k -> ", K = " + k).orElse("") + ": "
                            + IntervalChart.signed(row.difference().orElseThrow()));
        }
        page.close().close();
    }

    private void table() {
        boolean timed = rows.stream().anyMatch(row -> row.latencyRatio().isPresent());
        var columns = new ArrayList<>(
                List.of("K", "seeds", "parameters", "MB", metric, "difference", "95% interval", "letters", "frontier"));
        if (timed) {
            columns.add(4, "time");
        }
        HeatMap.open(page, "Settings, " + group.name(), "setting", columns, false);
        for (SettingRow row : rows) {
            page.open("tr").element("th", row.name(), "scope", "row", "title", String.join(", ", row.models()));
            page.element("td", row.experts().map(String::valueOf).orElse(""));
            page.element("td", Long.toString(row.seeds()));
            page.element(
                    "td",
                    row.parameters()
                            .map(count -> String.format(Locale.ROOT, "%,d", count))
                            .orElse(""));
            page.element(
                    "td", row.bytes().map(bytes -> Digits.fixed(bytes / 1e6, 2)).orElse(""));
            if (timed) {
                page.element(
                        "td",
                        row.latencyRatio().map(ratio -> Digits.fixed(ratio, 2)).orElse(""));
            }
            page.element("td", Digits.fixed(row.value(), 3));
            page.element("td", row.difference().map(IntervalChart::signed).orElse(""));
            page.element("td", row.interval());
            page.element("td", row.letters().orElse(""));
            page.element(
                    "td", row.dominated().map(behind -> behind ? "" : "yes").orElse(""));
            page.close();
        }
        HeatMap.close(page);
    }

    /** Each method beside the plan made on another task and beside random choices of as many experts. */
    private void controls() {
        List<SettingRow> methods =
                rows.stream().filter(row -> row.is(SettingName.METHOD)).toList();
        boolean any = rows.stream().anyMatch(row -> !row.is(SettingName.METHOD) && !row.is(SettingName.PARENT));
        if (methods.isEmpty() || !any) {
            return;
        }
        page.element("h3", "Is it the method, and is it the task?");
        if (explained) {
            page.element(
                    "p",
                    "Each method beside controls with as many experts: its plan made on another task (only if that costs more is"
                            + " pruning specific to the task), random choices, and models trained from scratch. A star: separated"
                            + " from the method.");
        }
        HeatMap.open(
                page,
                "Controls, " + group.name(),
                "setting",
                List.of("K", "own task", "other task", "random", "from scratch"),
                false);
        for (SettingRow row : methods) {
            page.open("tr").element("th", row.name(), "scope", "row");
            page.element("td", row.experts().map(String::valueOf).orElse(""));
            page.element("td", row.difference().map(IntervalChart::signed).orElse(""), "title", row.interval());
            control(row, find(row, other -> other.is(SettingName.OTHER_TASK) && isSameMethod(row, other)));
            control(row, find(row, other -> other.is(SettingName.RANDOM)));
            control(row, find(row, other -> other.is(SettingName.SCRATCH)));
            page.close();
        }
        HeatMap.close(page);
        sentence(methods, SettingName.OTHER_TASK, "The plan of the other task");
        sentence(methods, SettingName.RANDOM, "A random choice");
    }

    private static boolean isSameMethod(SettingRow one, SettingRow other) {
        return one.method().equals(other.method())
                && one.weights().equals(other.weights())
                && one.budget().equals(other.budget())
                && one.options().equals(other.options())
                && one.router().equals(other.router());
    }

    private Optional<SettingRow> find(SettingRow row, Predicate<SettingRow> which) {
        return rows.stream()
                .filter(other -> other.experts().equals(row.experts()))
                .filter(which)
                .min(Comparator.comparingInt(SettingRow::position));
    }

    private void control(SettingRow row, Optional<SettingRow> control) {
        page.element(
                "td",
                control.flatMap(SettingRow::difference)
                        .map(difference ->
                                IntervalChart.signed(difference) + (row.isSeparatedFrom(control.get()) ? " *" : ""))
                        .orElse(""),
                "title",
                control.map(SettingRow::interval).orElse(""));
    }

    private void sentence(List<SettingRow> methods, String role, String what) {
        int pairs = 0;
        int costlier = 0;
        int cheaper = 0;
        for (SettingRow row : methods) {
            Optional<SettingRow> control =
                    find(row, other -> other.is(role) && (role.equals(SettingName.RANDOM) || isSameMethod(row, other)));
            if (control.isPresent()) {
                pairs++;
                boolean separated = row.isSeparatedFrom(control.get());
                costlier += separated && control.get().cost() > row.cost() ? 1 : 0;
                cheaper += separated && control.get().cost() < row.cost() ? 1 : 0;
            }
        }
        if (pairs > 0) {
            page.element(
                    "p",
                    what + " costs more than the method in " + costlier + " of " + pairs + " cases, less in " + cheaper
                            + "; in " + (pairs - costlier - cheaper) + " they are not separated.");
        }
    }

    /** The settings of every metric, one chart for each K, with sentences, as the page of a study has them. */
    private void intervals() {
        List<Compared> compared = study.of(group).stream()
                .filter(SettingRow::isCompared)
                .map(row -> row.compared(baseline()))
                .toList();
        if (compared.isEmpty()) {
            return;
        }
        page.open("details").element("summary", "Every metric, by K, with intervals, " + group.name());
        new ComparisonSection(page, StoredComparison.newest(compared).get(0), group.experts()).draw(group.name());
        page.close();
    }

    private String baseline() {
        return rows.stream()
                .filter(row -> row.is(SettingName.PARENT))
                .findFirst()
                .map(row -> row.models().get(0))
                .orElse(group.modelId());
    }
}

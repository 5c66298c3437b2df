package dev.uncurl.jobs.report;

import dev.uncurl.jobs.report.SweepStudy.Group;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** A heat map of what pruning costs: settings by K, with the letters of what is not separated. */
final class SettingMap {
    private final Markup page;
    private final Group group;
    private final String metric;
    private final List<SettingRow> rows;

    /** @param rows of one metric */
    SettingMap(Markup page, Group group, String metric, List<SettingRow> rows) {
        this.page = page;
        this.group = group;
        this.metric = metric;
        this.rows = rows.stream()
                .filter(row -> !row.is(SettingName.PARENT)
                        && row.experts().isPresent()
                        && row.difference().isPresent())
                .toList();
    }

    /** @param explained whether to say how to read it */
    void draw(boolean explained) {
        if (rows.isEmpty()) {
            return;
        }
        List<Integer> columns = rows.stream()
                .map(row -> row.experts().orElseThrow())
                .distinct()
                .sorted(Comparator.reverseOrder())
                .toList();
        double highest =
                Math.max(1e-9, rows.stream().mapToDouble(SettingRow::cost).max().orElseThrow());
        page.element("h3", "Methods by K: " + metric);
        if (explained) {
            page.element(
                    "p",
                    "Difference from the unpruned model, with its letters: settings anywhere in the table that share a letter are"
                            + " not separated, so their order says nothing. The best setting of each K has a frame.");
        }
        var map = new HeatMap(highest, 3);
        map.legend(page, "Cost");
        HeatMap.open(
                page,
                "Methods by K, " + group.name(),
                "setting",
                columns.stream().map(k -> "K = " + k).toList(),
                false);
        for (String name : rows.stream().map(SettingRow::name).distinct().toList()) {
            page.open("tr").element("th", name, "scope", "row");
            for (int k : columns) {
                cell(
                        map,
                        rows.stream()
                                .filter(row ->
                                        row.name().equals(name) && row.experts().equals(Optional.of(k)))
                                .findFirst());
            }
            page.close();
        }
        HeatMap.close(page);
    }

    private void cell(HeatMap map, Optional<SettingRow> cell) {
        if (cell.isEmpty()) {
            page.element("td", "", "class", "same");
            return;
        }
        SettingRow row = cell.get();
        boolean best = rows.stream()
                .filter(other -> other.experts().equals(row.experts()))
                .noneMatch(other -> other.cost() < row.cost());
        page.element(
                "td",
                IntervalChart.signed(row.difference().orElseThrow())
                        + row.letters().map(letters -> " " + letters).orElse(""),
                "class",
                "v" + map.step(row.cost()) + (best ? " best" : ""),
                "title",
                row.interval() + (row.seeds() > 1 ? ", " + row.seeds() + " seeds" : ""));
    }
}

package dev.uncurl.jobs.report;

import dev.uncurl.jobs.output.Digits;
import dev.uncurl.jobs.report.SweepStudy.Threshold;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** The largest pruning factor within the margin, by method and model: for each task a table with the models in the order of E. */
final class FactorTable {
    private final Markup page;
    private final SweepStudy study;

    FactorTable(Markup page, SweepStudy study) {
        this.page = page;
        this.study = study;
    }

    void draw() {
        Map<String, List<Threshold>> tables = new LinkedHashMap<>();
        for (SweepStudy.Group group : study.groups()) {
            String metric = study.metric(group);
            study.thresholds().stream()
                    .filter(row -> row.modelId().equals(group.modelId())
                            && row.task().equals(group.task())
                            && row.split().equals(group.split())
                            && row.recipe().equals(group.recipe())
                            && row.metric().equals(metric))
                    .forEach(row -> tables.computeIfAbsent(
                                    group.task() + group.finetuned() + ", " + metric,
                                    key -> new java.util.ArrayList<>())
                            .add(row));
        }
        if (tables.isEmpty()) {
            return;
        }
        page.element("h2", "How far one can prune, by the experts of the model");
        page.element(
                "p",
                "The largest factor E/K whose cost is within the margin by its interval; 1 if none is. In brackets, of the next"
                        + " factor that was tried: too much (it costs more than the margin), or open (the examples do not say)."
                        + " No brackets: no larger factor was tried.");
        tables.forEach(this::table);
    }

    private record Column(int experts, String modelId) {}

    private void table(String caption, List<Threshold> rows) {
        List<Column> columns = rows.stream()
                .map(row -> new Column(row.expertsBefore(), row.modelId()))
                .distinct()
                .sorted(java.util.Comparator.comparingInt(Column::experts).thenComparing(Column::modelId))
                .toList();
        double most = rows.stream().mapToDouble(Threshold::largestTried).max().orElseThrow();
        HeatMap.open(
                page,
                "Largest factor within the margin, " + caption,
                "setting",
                columns.stream()
                        .map(column -> "E = " + column.experts + " (" + column.modelId + ")")
                        .toList(),
                false);
        var map = new HeatMap(Math.max(most, 1), 0);
        for (String name : rows.stream().map(Threshold::name).distinct().toList()) {
            page.open("tr").element("th", name, "scope", "row");
            for (Column column : columns) {
                cell(
                        map,
                        rows.stream()
                                .filter(row ->
                                        row.name().equals(name) && row.modelId().equals(column.modelId))
                                .findFirst());
            }
            page.close();
        }
        best(columns, rows);
        HeatMap.close(page);
    }

    private void cell(HeatMap map, Optional<Threshold> cell) {
        if (cell.isEmpty()) {
            page.element("td", "", "class", "same");
            return;
        }
        Threshold row = cell.get();
        page.element(
                "td",
                factor(row.factor())
                        + row.nextFactor()
                                .map(next -> " (" + factor(next) + " "
                                        + (row.exceededThere().orElse(false) ? "too much" : "open") + ")")
                                .orElse(""),
                "class",
                "v" + map.step(row.factor() - 1e-9));
    }

    private void best(List<Column> columns, List<Threshold> rows) {
        Map<String, Double> largest =
                rows.stream().collect(Collectors.toMap(Threshold::modelId, Threshold::factor, Math::max));
        page.open("tr").element("th", "any method", "scope", "row");
        columns.forEach(column -> page.element("td", factor(largest.get(column.modelId))));
        page.close();
    }

    private static String factor(double factor) {
        return Digits.fixed(factor, factor % 1 == 0 ? 0 : 1);
    }
}

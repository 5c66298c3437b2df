package dev.uncurl.jobs.report;

import dev.uncurl.jobs.output.Digits;
import dev.uncurl.jobs.report.SweepStudy.ChosenPlan;
import dev.uncurl.jobs.warehouse.row.AssignmentRow;
import dev.uncurl.jobs.warehouse.row.PlanRow;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Draws the plan that a sweep leads to: for each layer E, K, how well it fits, and its clusters. */
final class PlanTable {
    private PlanTable() {}

    static void draw(Markup page, ChosenPlan chosen) {
        PlanRow plan = chosen.plan();
        page.element(
                "h3",
                (chosen.notWorse() ? "The chosen plan: " : "The plan that costs least: ")
                        + chosen.setting().name() + ", K = " + plan.expertsAfter());
        page.element(
                "p",
                "Plan " + plan.planId().substring(0, Math.min(12, plan.planId().length()))
                        + ", made from the routing of "
                        + plan.task() + " (" + plan.split() + ")"
                        + (chosen.setting().models().size() > 1
                                ? ", seed " + plan.seed() + ": the first of "
                                        + chosen.setting().models().size() + " seeds."
                                : "."));
        Map<Integer, List<AssignmentRow>> byLayer = chosen.assignments().stream()
                .collect(Collectors.groupingBy(AssignmentRow::layer, TreeMap::new, Collectors.toList()));
        HeatMap.open(
                page,
                "Plan, " + chosen.group().name(),
                "layer",
                List.of("E", "K", "silhouette", "predicted cost", "experts kept apart or merged", "dropped"),
                false,
                Set.of("experts kept apart or merged", "dropped"));
        for (PlanRow.Layer layer : plan.layers()) {
            page.open("tr").element("th", Integer.toString(layer.layer()), "scope", "row");
            page.element("td", Integer.toString(layer.experts()));
            page.element("td", Integer.toString(layer.clusters()));
            page.element(
                    "td",
                    layer.silhouette().map(value -> Digits.fixed(value, 2)).orElse(""));
            page.element("td", Digits.fixed(layer.predictedCost(), 3));
            List<AssignmentRow> assignments = byLayer.getOrDefault(layer.layer(), List.of());
            page.element("td", clusters(assignments), "class", "word message");
            page.element("td", dropped(assignments), "class", "word message");
            page.close();
        }
        HeatMap.close(page);
    }

    /** Such as "0+3+5, 1, 2+4". */
    private static String clusters(List<AssignmentRow> assignments) {
        return assignments.stream()
                .filter(row -> row.cluster() >= 0)
                .collect(Collectors.groupingBy(
                        AssignmentRow::cluster,
                        TreeMap::new,
                        Collectors.mapping(row -> Integer.toString(row.expert()), Collectors.joining("+"))))
                .values()
                .stream()
                .collect(Collectors.joining(", "));
    }

    private static String dropped(List<AssignmentRow> assignments) {
        return assignments.stream()
                .filter(row -> row.cluster() < 0)
                .map(row -> Integer.toString(row.expert()))
                .collect(Collectors.joining(", "));
    }
}

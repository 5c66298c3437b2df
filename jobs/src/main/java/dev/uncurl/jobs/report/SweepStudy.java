package dev.uncurl.jobs.report;

import dev.uncurl.jobs.warehouse.row.AssignmentRow;
import dev.uncurl.jobs.warehouse.row.CellRow;
import dev.uncurl.jobs.warehouse.row.PlanRow;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What the page of a sweep shows.
 *
 * @param cells in the order of the sweep
 * @param settings all metrics of all groups, from the view cell_settings
 * @param previous date before in the same sweep
 * @param warehouse the folder, if it is not the default
 */
record SweepStudy(
        String sweep,
        String asOf,
        List<CellRow> cells,
        List<SettingRow> settings,
        List<Smallest> smallest,
        List<Threshold> thresholds,
        Optional<String> previous,
        List<Change> changes,
        List<ChosenPlan> plans,
        List<Calibrated> calibration,
        Optional<String> warehouse) {

    /** What is compared with each other: the settings of one model on one task, finetuned alike. */
    record Group(String modelId, int experts, String task, String split, Optional<String> recipe) {
        static Group of(SettingRow row) {
            return new Group(row.modelId(), row.expertsBefore(), row.task(), row.split(), row.recipe());
        }

        String name() {
            return modelId + " on " + task + finetuned();
        }

        String finetuned() {
            return recipe.map(name -> ", finetuned by " + name).orElse("");
        }
    }

    /** A row of the view smallest_not_worse. */
    record Smallest(
            String modelId,
            String task,
            String split,
            Optional<String> recipe,
            String metric,
            boolean compared,
            Optional<Double> margin,
            long settings,
            Optional<String> method,
            Optional<Integer> experts,
            Optional<Double> ofBytesBefore,
            Optional<List<String>> models) {}

    /** A row of the view threshold_factor. */
    record Threshold(
            String modelId,
            int expertsBefore,
            String task,
            String split,
            Optional<String> recipe,
            String metric,
            String method,
            Optional<String> weights,
            Optional<String> budget,
            Optional<String> options,
            Optional<String> router,
            double factor,
            Optional<Double> nextFactor,
            Optional<Boolean> exceededThere,
            double largestTried) {
        String name() {
            var name = new SettingName(
                    SettingName.METHOD, Optional.empty(), Optional.of(method), weights, budget, options);
            return name.text() + router.map(rule -> " (" + rule + ")").orElse("");
        }
    }

    /** A row of the view sweep_changes. */
    record Change(
            String change,
            String modelId,
            String task,
            Optional<String> recipe,
            String metric,
            String role,
            Optional<String> method,
            Optional<String> weights,
            Optional<String> budget,
            Optional<String> options,
            Optional<String> planTask,
            Optional<Integer> experts,
            Optional<String> router,
            double value,
            Optional<Double> valueBefore) {
        String name() {
            return new SettingName(role, planTask, method, weights, budget, options).text()
                    + router.map(rule -> " (" + rule + ")").orElse("");
        }
    }

    /**
     * The plan that a group leads to.
     *
     * @param notWorse whether its setting is the smallest that is not worse; otherwise it is the one that costs least
     */
    record ChosenPlan(
            Group group, SettingRow setting, boolean notWorse, PlanRow plan, List<AssignmentRow> assignments) {}

    /** Rows of the view calibration, over the layers of a model on a task. */
    record Calibrated(
            String modelId,
            String task,
            String split,
            String method,
            int experts,
            long sequences,
            long tokens,
            double jaccard,
            double leastJaccard,
            Optional<Double> rankCorrelation) {}

    /** In the order of the sweep. */
    List<Group> groups() {
        return settings.stream().map(Group::of).distinct().toList();
    }

    List<SettingRow> of(Group group) {
        return settings.stream().filter(row -> Group.of(row).equals(group)).toList();
    }

    List<SettingRow> of(Group group, String metric) {
        return of(group).stream().filter(row -> row.metric().equals(metric)).toList();
    }

    /** The metric that a group is judged by: the first that was compared, else the first. */
    String metric(Group group) {
        var metrics = new ArrayList<>(of(group));
        metrics.sort((one, other) -> StoredComparison.metricOrder().compare(one.metric(), other.metric()));
        return metrics.stream()
                .filter(SettingRow::isCompared)
                .findFirst()
                .orElse(metrics.get(0))
                .metric();
    }

    Optional<Smallest> smallest(Group group) {
        String metric = metric(group);
        return smallest.stream()
                .filter(row -> row.modelId().equals(group.modelId)
                        && row.task().equals(group.task)
                        && row.split().equals(group.split)
                        && row.recipe().equals(group.recipe)
                        && row.metric().equals(metric))
                .findFirst();
    }

    Optional<ChosenPlan> plan(Group group) {
        return plans.stream().filter(plan -> plan.group.equals(group)).findFirst();
    }
}

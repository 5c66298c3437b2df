package dev.uncurl.jobs.report;

import dev.uncurl.jobs.evaluate.SettingComparison;
import dev.uncurl.jobs.evaluate.SettingComparison.Entrant;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.CellRow;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Compares what a sweep scored with the unpruned model, once: afterwards evaluation.comparisons has the rows, from which the views
 * of sweeps take their intervals, and the same cells are not compared again. One comparison for each model, task and recipe.
 */
final class SweepComparisons {
    private record Group(String modelId, String task, String split, String data, Optional<String> recipe) {}

    private record Key(SettingName name, Optional<Integer> experts, Optional<String> router) {}

    private final List<CellRow> cells;

    /** @param cells of one sweep and date; those that are done count */
    SweepComparisons(List<CellRow> cells) {
        this.cells = cells.stream()
                .filter(cell -> cell.state().equals("done") && cell.resultsId().isPresent())
                .toList();
    }

    /** @param margin of "not worse" */
    void store(Warehouse warehouse, double margin) {
        for (SettingComparison comparison : all()) {
            String of = comparison.baseline().models().get(0) + " on " + comparison.task();
            System.out.println(
                    "Comparing with " + of + ": " + comparison.settings().size() + " settings");
            if (!comparison.store(warehouse, margin)) {
                System.out.println("  nothing to compare with " + of + ": its results are not there any more");
            }
        }
    }

    List<SettingComparison> all() {
        var groups = new LinkedHashSet<Group>();
        cells.stream()
                .filter(cell -> cell.role().equals(SettingName.PARENT))
                .forEach(cell ->
                        groups.add(new Group(cell.modelId(), cell.task(), cell.split(), cell.data(), cell.recipe())));
        return groups.stream()
                .map(this::comparison)
                .filter(comparison -> !comparison.settings().isEmpty())
                .toList();
    }

    private SettingComparison comparison(Group group) {
        Map<Key, List<CellRow>> bySetting = new LinkedHashMap<>();
        for (CellRow cell : cells) {
            boolean scratch = cell.role().equals(SettingName.SCRATCH);
            if (cell.task().equals(group.task)
                    && cell.split().equals(group.split)
                    && cell.data().equals(group.data)
                    && cell.recipe().equals(group.recipe)
                    && (scratch || cell.modelId().equals(group.modelId))) {
                bySetting.computeIfAbsent(key(cell), key -> new ArrayList<>()).add(cell);
            }
        }
        var settings = new ArrayList<Entrant>();
        Entrant baseline = null;
        for (Map.Entry<Key, List<CellRow>> setting : bySetting.entrySet()) {
            Entrant entrant = entrant(setting.getKey(), setting.getValue());
            if (setting.getKey().name().role().equals(SettingName.PARENT)) {
                baseline = entrant;
            } else {
                settings.add(entrant);
            }
        }
        return new SettingComparison(group.task, group.split, group.data, baseline, settings);
    }

    private static Key key(CellRow cell) {
        boolean whole = cell.role().equals(SettingName.PARENT) || cell.role().equals(SettingName.SCRATCH);
        return new Key(
                SettingName.of(cell), whole ? Optional.of(cell.expertsBefore()) : cell.expertsAfter(), cell.router());
    }

    private static Entrant entrant(Key key, List<CellRow> cells) {
        List<String> models =
                cells.stream().map(cell -> cell.resultsId().orElseThrow()).toList();
        String label = label(key.name.text(), key.experts, key.router, models.size());
        return new Entrant(
                label,
                models,
                models.size() == 1 ? cells.get(0).planId() : Optional.empty(),
                key.name.method(),
                key.router,
                key.experts);
    }

    /** Such as "uncurl, adaptive K=4 map (2 seeds)". */
    static String label(String name, Optional<Integer> experts, Optional<String> router, int seeds) {
        return name
                + experts.map(k -> " K=" + k).orElse("")
                + router.map(rule -> " " + rule).orElse("")
                + (seeds > 1 ? " (" + seeds + " seeds)" : "");
    }
}

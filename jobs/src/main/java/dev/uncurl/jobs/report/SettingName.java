package dev.uncurl.jobs.report;

import dev.uncurl.jobs.warehouse.row.CellRow;
import dev.uncurl.pruning.BuiltInMethods;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * What the cells of one setting of a sweep have in common but K and the router rule: the columns of the view cell_settings.
 *
 * @param role method, parent, random, other-task or scratch
 * @param options further settings of the plan, such as {@code max-cluster=4}
 */
record SettingName(
        String role,
        Optional<String> planTask,
        Optional<String> method,
        Optional<String> weights,
        Optional<String> budget,
        Optional<String> options) {
    static final String METHOD = "method";
    static final String PARENT = "parent";
    static final String RANDOM = "random";
    static final String OTHER_TASK = "other-task";
    static final String SCRATCH = "scratch";

    static SettingName of(CellRow cell) {
        return new SettingName(
                cell.role(),
                cell.planTask(),
                cell.method(),
                cell.weights(),
                cell.budget(),
                cell.parameters().map(SettingName::options));
    }

    /** As the view writes them. */
    private static String options(Map<String, String> parameters) {
        var further = new TreeMap<>(parameters);
        further.remove("weights");
        further.remove("budget");
        return further.entrySet().stream()
                .map(option -> option.getKey() + "=" + option.getValue())
                .collect(Collectors.joining(", "));
    }

    /** Such as "uncurl, adaptive" or "frequency, plan of superglue/boolq"; what is the default is left out. */
    String text() {
        if (role.equals(PARENT)) {
            return "unpruned";
        }
        if (role.equals(SCRATCH)) {
            return "trained from scratch";
        }
        var parts = new ArrayList<String>(List.of(method.orElse(role)));
        weights.filter(given -> !given.equals(defaultWeights())).ifPresent(given -> parts.add("weights " + given));
        budget.filter(given -> !given.equals("uniform")).ifPresent(parts::add);
        options.filter(given -> !given.isEmpty()).ifPresent(parts::add);
        if (role.equals(OTHER_TASK)) {
            parts.add("plan of " + planTask.orElse("another task"));
        }
        return String.join(", ", parts);
    }

    /** Empty for a method of a later release. */
    private String defaultWeights() {
        return method.filter(BuiltInMethods.ids()::contains)
                .map(name -> BuiltInMethods.named(name).weights().id())
                .orElse("");
    }
}

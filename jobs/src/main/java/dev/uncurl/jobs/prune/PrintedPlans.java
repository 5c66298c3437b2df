package dev.uncurl.jobs.prune;

import dev.uncurl.jobs.output.Digits;
import dev.uncurl.jobs.output.TextTable;
import dev.uncurl.pruning.BuiltInMethods;
import dev.uncurl.pruning.LayerScore;
import dev.uncurl.pruning.Plan;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Plans as prune prints them. Inertia and silhouette are shown of methods that merge: where experts are dropped, every cluster
 * has one member, and both would be 0 or undefined for every plan.
 */
final class PrintedPlans {
    private PrintedPlans() {}

    private static BuiltInMethods method(Plan plan) {
        return BuiltInMethods.named(plan.origin().method());
    }

    /** One plan: a line with its id, and two lines for each layer. */
    static String details(PlanTables.Planned planned) {
        Plan plan = planned.plan();
        Plan.Origin origin = plan.origin();
        var text = new StringBuilder("Plan " + plan.id() + ": " + origin.method() + ", " + origin.experts() + " -> "
                + origin.keep() + " experts per layer\n");
        for (LayerScore score : planned.scores()) {
            text.append(String.format(
                    Locale.ROOT,
                    "  layer %d: %d of %d experts,%s predicted cost %s%n    %s%n",
                    score.layer(),
                    score.clusters(),
                    score.experts(),
                    method(plan).drops() ? "" : fit(score),
                    Digits.of(score.cost()),
                    clusters(plan, score.layer())));
        }
        return text.toString();
    }

    private static String fit(LayerScore score) {
        return String.format(
                Locale.ROOT,
                " inertia %.4g, silhouette %s,",
                score.inertia(),
                score.silhouette().isPresent() ? Digits.fixed(score.silhouette().getAsDouble(), 3) : "-");
    }

    /** The members of each cluster; a star marks the reference expert: {@code {0 3*} {1*} ...}. */
    private static String clusters(Plan plan, int layer) {
        var clusters = new ArrayList<String>();
        for (int cluster = 0; cluster < plan.clusters(layer); cluster++) {
            List<String> members = plan.members(layer, cluster).stream()
                    .map(member -> member.expert() + (member.isReference() ? "*" : ""))
                    .toList();
            clusters.add("{" + String.join(" ", members) + "}");
        }
        List<String> dropped = plan.layer(layer).stream()
                .filter(row -> row.isDropped())
                .map(row -> Integer.toString(row.expert()))
                .toList();
        return String.join(" ", clusters) + (dropped.isEmpty() ? "" : "  dropped: " + String.join(" ", dropped));
    }

    /**
     * A line for each plan. The seed is shown if the method uses it.
     *
     * @param isNew whether each plan was stored now; otherwise it was there
     */
    static String table(List<PlanTables.Planned> plans, List<Boolean> isNew) {
        var lines = new ArrayList<Object[]>();
        for (int i = 0; i < plans.size(); i++) {
            Plan plan = plans.get(i).plan();
            BuiltInMethods method = method(plan);
            lines.add(new Object[] {
                plan.id(),
                method.id(),
                plan.origin().keep(),
                method.usesSeed() ? plan.origin().seed() : null,
                method.drops()
                        ? null
                        : plans.get(i).scores().stream()
                                .mapToDouble(LayerScore::inertia)
                                .sum(),
                isNew.get(i) ? "new" : "reused"
            });
        }
        return TextTable.of(List.of("plan", "method", "experts", "seed", "inertia, all layers", "stored"), lines);
    }
}

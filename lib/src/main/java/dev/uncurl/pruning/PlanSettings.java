package dev.uncurl.pruning;

import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Options that define a pruning plan.
 *
 * @param seed for methods that draw
 */
public record PlanSettings(BuiltInMethods method, MergeWeights weights, Budget budget, long seed) {
    /** The same K in every layer, merged with the method's own weights. */
    public static PlanSettings of(BuiltInMethods method, int keep, long seed) {
        return new PlanSettings(method, method.weights(), Budget.uniform(keep), seed);
    }

    /** What {@link Plan.Origin} has no component for, by name: weights, budget, exceptions, largest cluster. */
    public SortedMap<String, String> parameters() {
        var parameters = new TreeMap<String, String>();
        parameters.put("weights", weights.id());
        parameters.put("budget", budget.sharing().id());
        if (!budget.exceptions().isEmpty()) {
            parameters.put(
                    "layers",
                    budget.exceptions().entrySet().stream()
                            .map(layer -> layer.getKey() + "=" + layer.getValue())
                            .collect(Collectors.joining(",")));
        }
        if (budget.maxCluster() > 0) {
            parameters.put("max-cluster", Integer.toString(budget.maxCluster()));
        }
        return parameters;
    }
}

package dev.uncurl.pruning;

import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Options that define a pruning plan.
 *
 * @param seed for methods that use random numbers
 */
public record PlanSettings(BuiltInMethods method, MergeWeights weights, Budget budget, long seed) {
    /** The same K in every layer, with the default merge weights of the method. */
    public static PlanSettings of(BuiltInMethods method, int keep, long seed) {
        return new PlanSettings(method, method.weights(), Budget.uniform(keep), seed);
    }

    /** The settings that are not components of {@link Plan.Origin}, by name: weights, budget, exceptions, largest cluster. */
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

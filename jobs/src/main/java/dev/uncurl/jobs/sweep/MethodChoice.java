package dev.uncurl.jobs.sweep;

import static dev.uncurl.config.Check.check;

import dev.uncurl.config.Range;
import dev.uncurl.error.Nearest;
import dev.uncurl.error.UserError;
import dev.uncurl.pruning.Budget;
import dev.uncurl.pruning.BuiltInMethods;
import dev.uncurl.pruning.MergeWeights;
import dev.uncurl.pruning.PlanSettings;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A pruning method of a sweep, with its options: {@code { name = uncurl, weights = uniform }}.
 *
 * @param weights of merged experts
 * @param sharing how the experts to keep are distributed over layers
 * @param maxCluster maximal number of experts in a cluster; 0: no limit
 */
record MethodChoice(BuiltInMethods method, MergeWeights weights, Budget.Sharing sharing, int maxCluster) {
    private static final String NAME = "name";
    private static final String WEIGHTS = "weights";
    private static final String BUDGET = "budget";
    private static final String MAX_CLUSTER = "max-cluster";
    private static final List<String> KEYS = List.of(NAME, WEIGHTS, BUDGET, MAX_CLUSTER);

    /** A method with its own merge weights and the same K in every layer. */
    static MethodChoice of(BuiltInMethods method) {
        return new MethodChoice(method, method.weights(), Budget.Sharing.UNIFORM, 0);
    }

    /**
     * @param options by key; what is missing has the default of prune
     * @throws UserError (usage) for an unknown key or name, or a number out of its range
     */
    static MethodChoice of(Map<String, String> options) {
        options.keySet().stream().filter(key -> !KEYS.contains(key)).findFirst().ifPresent(key -> {
            throw UserError.usage("A method of a sweep has no option " + key, Nearest.hint(key, KEYS));
        });
        check(options.containsKey(NAME), "methods", options, "entries such as { name = uncurl }");
        BuiltInMethods method = BuiltInMethods.named(options.get(NAME));
        MergeWeights weights =
                options.containsKey(WEIGHTS) ? MergeWeights.named(options.get(WEIGHTS)) : method.weights();
        return new MethodChoice(
                method,
                weights,
                Budget.Sharing.named(options.getOrDefault(BUDGET, "uniform")),
                maxCluster(options.getOrDefault(MAX_CLUSTER, "0")));
    }

    private static int maxCluster(String text) {
        try {
            int number = Integer.parseInt(text);
            Range.MAX_CLUSTER_OPTION.check(number);
            return number;
        } catch (NumberFormatException e) {
            throw UserError.usage(
                    "methods." + MAX_CLUSTER + " = " + text + " is not a number",
                    "Set it to a number, 0 for no limit.");
        }
    }

    PlanSettings settings(int keep, long seed) {
        return new PlanSettings(method, weights, new Budget(sharing, keep, new TreeMap<>(), maxCluster), seed);
    }
}

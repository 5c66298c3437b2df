package dev.uncurl.jobs.prune;

import dev.uncurl.config.Range;
import dev.uncurl.error.UserError;
import dev.uncurl.model.spec.DType;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.pruning.Budget;
import dev.uncurl.pruning.BuiltInMethods;
import dev.uncurl.pruning.MergeWeights;
import dev.uncurl.pruning.PlanSettings;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import picocli.CommandLine.Option;

/** Options that define a pruning plan. */
final class PlanOptions {
    /** The names of all methods, for the help. */
    static final class Methods extends Names {
        Methods() {
            super(BuiltInMethods.ids());
        }
    }

    /** The names of all merge weights. */
    static final class Weights extends Names {
        Weights() {
            super(MergeWeights.ids());
        }
    }

    /** The names of all budgets. */
    static final class Budgets extends Names {
        Budgets() {
            super(Budget.Sharing.ids());
        }
    }

    /** The names of all types of weights that are written. */
    static final class DTypes extends Names {
        DTypes() {
            super(DType.writable());
        }
    }

    private abstract static class Names implements Iterable<String> {
        private final List<String> names;

        Names(List<String> names) {
            this.names = names;
        }

        @Override
        public Iterator<String> iterator() {
            return names.iterator();
        }
    }

    @Option(
            names = "--method",
            paramLabel = "NAME",
            required = true,
            completionCandidates = Methods.class,
            description = "How experts are chosen: ${COMPLETION-CANDIDATES}.")
    private String method;

    @Option(
            names = "--weights",
            paramLabel = "NAME",
            completionCandidates = Weights.class,
            description = "What counts in a merge: ${COMPLETION-CANDIDATES} (default: the method's, frequency).")
    private String weights;

    @Option(names = "--experts", paramLabel = "K", required = true, description = "Experts per layer to end with.")
    private int experts;

    @Option(
            names = "--budget",
            paramLabel = "NAME",
            defaultValue = "uniform",
            completionCandidates = Budgets.class,
            description = "K in each layer, or on average, layers that lose least giving most:"
                    + " ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
    private String budget;

    @Option(
            names = "--layers",
            paramLabel = "LAYER=K",
            split = ",",
            description = "Another K for some layers: 1=16,3=4. A layer can be first or last, K can be all.")
    private Map<String, String> layers = new LinkedHashMap<>();

    @Option(
            names = "--max-cluster",
            paramLabel = "N",
            defaultValue = "0",
            description = "The most experts that are merged into one; 0: any number (default: ${DEFAULT-VALUE}).")
    private int maxCluster;

    @Option(names = "--seed", defaultValue = "1", description = "Seed of the method (default: ${DEFAULT-VALUE}).")
    private long seed;

    /**
     * Looks at names and numbers alone, before anything is opened.
     *
     * @throws UserError (usage) when a name is not known or a number out of its range
     */
    void check() {
        Range.EXPERTS_OPTION.check(experts);
        Range.MAX_CLUSTER_OPTION.check(maxCluster);
        layers.values().stream()
                .filter(count -> !count.equals("all"))
                .forEach(count -> Range.LAYERS_OPTION.check(number(count, "all")));
        method();
        Budget.Sharing.named(budget);
        if (weights != null) {
            MergeWeights.named(weights);
        }
    }

    /** @throws UserError (usage) when there is no such method */
    BuiltInMethods method() {
        return BuiltInMethods.named(method);
    }

    /** @throws UserError (usage) when a name or layer is not known */
    PlanSettings settings(ModelConfig config) {
        BuiltInMethods chosen = method();
        return new PlanSettings(
                chosen,
                weights == null ? chosen.weights() : MergeWeights.named(weights),
                new Budget(Budget.Sharing.named(budget), experts, exceptions(config), maxCluster),
                seed);
    }

    private SortedMap<Integer, Integer> exceptions(ModelConfig config) {
        int[] known = config.moeLayers();
        if (known.length == 0) {
            throw UserError.usage("The model is dense: it has no experts to prune", "Name a model with experts.");
        }
        var exceptions = new TreeMap<Integer, Integer>();
        layers.forEach((name, count) -> {
            int layer =
                    switch (name) {
                        case "first" -> known[0];
                        case "last" -> known[known.length - 1];
                        default -> number(name, "first or last");
                    };
            if (Arrays.binarySearch(known, layer) < 0) {
                throw UserError.usage(
                        "--layers: layer " + layer + " has no experts",
                        "Layers with are " + Arrays.toString(known) + ".");
            }
            exceptions.put(layer, count.equals("all") ? config.moe().experts() : number(count, "all"));
        });
        return exceptions;
    }

    private static int number(String text, String other) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException e) {
            throw UserError.usage("--layers: " + text + " is no number", "Give a number, or " + other + ".");
        }
    }
}

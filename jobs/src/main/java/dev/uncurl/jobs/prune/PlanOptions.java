package dev.uncurl.jobs.prune;

import dev.uncurl.config.Range;
import dev.uncurl.error.UserError;
import dev.uncurl.model.spec.DType;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.pruning.Budget;
import dev.uncurl.pruning.BuiltInMethods;
import dev.uncurl.pruning.MergeWeights;
import dev.uncurl.pruning.PlanSettings;
import java.util.ArrayList;
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

    /** The names of all storage types of weights that can be written. */
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
            split = ",",
            completionCandidates = Methods.class,
            description = "Pruning method: ${COMPLETION-CANDIDATES}. With --plan-only, several with commas.")
    private List<String> methods;

    @Option(
            names = "--weights",
            paramLabel = "NAME",
            completionCandidates = Weights.class,
            description =
                    "Weights of experts in a merge: ${COMPLETION-CANDIDATES} (default: that of the method, frequency).")
    private String weights;

    @Option(
            names = "--experts",
            paramLabel = "K",
            required = true,
            split = ",",
            description = "Experts to keep per layer. With --plan-only, several: 4,2,1.")
    private List<Integer> keep;

    @Option(
            names = "--budget",
            paramLabel = "NAME",
            defaultValue = "uniform",
            completionCandidates = Budgets.class,
            description = "uniform: K experts in each layer; adaptive: K on average, fewer where merging costs less"
                    + " (default: ${DEFAULT-VALUE}).")
    private String budget;

    @Option(
            names = "--layers",
            paramLabel = "LAYER=K",
            split = ",",
            description = "A different K for some layers: 1=16,3=4. LAYER can be first or last, K can be all.")
    private Map<String, String> layers = new LinkedHashMap<>();

    @Option(
            names = "--max-cluster",
            paramLabel = "N",
            defaultValue = "0",
            description = "Maximal number of experts in a cluster; 0: no limit (default: ${DEFAULT-VALUE}).")
    private int maxCluster;

    @Option(
            names = "--seed",
            defaultValue = "1",
            split = ",",
            description =
                    "Seed for random numbers of the method (default: ${DEFAULT-VALUE}). With --plan-only, several: 1,2,3.")
    private List<Long> seeds;

    /**
     * Checks names and numbers before the warehouse is opened.
     *
     * @throws UserError (usage) if a name is unknown or a number is out of range
     */
    void check() {
        keep.forEach(Range.EXPERTS_OPTION::check);
        Range.MAX_CLUSTER_OPTION.check(maxCluster);
        layers.values().stream()
                .filter(text -> !text.equals("all"))
                .forEach(text -> Range.LAYERS_OPTION.check(number(text, "all")));
        methods();
        Budget.Sharing.named(budget);
        if (weights != null) {
            MergeWeights.named(weights);
        }
    }

    /** Whether more than one plan is asked for. */
    boolean isSeveral() {
        return methods.size() > 1 || keep.size() > 1 || seeds.size() > 1;
    }

    /** @throws UserError (usage) if there is no such method */
    List<BuiltInMethods> methods() {
        return methods.stream().map(BuiltInMethods::named).distinct().toList();
    }

    /**
     * Every combination of method, K and seed, in this order; a method that does not use the seed has the first one only.
     *
     * @throws UserError (usage) if a name is unknown or a layer has no experts
     */
    List<PlanSettings> settings(ModelConfig config) {
        SortedMap<Integer, Integer> exceptions = exceptions(config);
        var settings = new ArrayList<PlanSettings>();
        for (BuiltInMethods method : methods()) {
            MergeWeights own = weights == null ? method.weights() : MergeWeights.named(weights);
            List<Long> used = method.usesSeed() ? seeds : seeds.subList(0, 1);
            for (int experts : keep) {
                var shared = new Budget(Budget.Sharing.named(budget), experts, exceptions, maxCluster);
                used.forEach(seed -> settings.add(new PlanSettings(method, own, shared, seed)));
            }
        }
        return settings.stream().distinct().toList();
    }

    private SortedMap<Integer, Integer> exceptions(ModelConfig config) {
        int[] withExperts = config.moeLayers();
        if (withExperts.length == 0) {
            throw UserError.usage("The model is dense: it has no experts to prune", "Name a model with experts.");
        }
        var exceptions = new TreeMap<Integer, Integer>();
        layers.forEach((name, text) -> {
            int layer =
                    switch (name) {
                        case "first" -> withExperts[0];
                        case "last" -> withExperts[withExperts.length - 1];
                        default -> number(name, "first or last");
                    };
            if (Arrays.binarySearch(withExperts, layer) < 0) {
                throw UserError.usage(
                        "--layers: layer " + layer + " has no experts",
                        "The layers with experts are " + Arrays.toString(withExperts) + ".");
            }
            exceptions.put(layer, text.equals("all") ? config.moe().experts() : number(text, "all"));
        });
        return exceptions;
    }

    private static int number(String text, String other) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException e) {
            throw UserError.usage("--layers: " + text + " is not a number", "Give a number, or " + other + ".");
        }
    }
}

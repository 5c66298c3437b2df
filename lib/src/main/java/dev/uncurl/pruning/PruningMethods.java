package dev.uncurl.pruning;

import dev.uncurl.error.Nearest;
import dev.uncurl.error.Refusal;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** The methods by name, each with what it stands for. */
public enum PruningMethods implements PruningMethod {
    /** The paper's: k-means on the columns of the router logits, align, merge by activation counts. */
    UNCURL("uncurl", PruningMethods::uncurl),
    /** The paper's naive baseline: keep the K most activated experts, ties to the lower id. */
    FREQUENCY("frequency", PruningMethods::frequency),
    /** Keep K experts drawn without replacement. */
    RANDOM("random", PruningMethods::random);

    private final String title;
    private final PruningMethod method;

    PruningMethods(String title, PruningMethod method) {
        this.title = title;
        this.method = method;
    }

    /** @throws Refusal (usage) with the nearest name when there is no such method */
    public static PruningMethods named(String title) {
        for (PruningMethods method : values()) {
            if (method.title.equals(title)) {
                return method;
            }
        }
        throw Refusal.usage("There is no pruning method " + title, Nearest.hint(title, titles()));
    }

    /** The names that {@link #named} takes. */
    public static List<String> titles() {
        return Arrays.stream(values()).map(PruningMethods::title).collect(Collectors.toList());
    }

    public String title() {
        return title;
    }

    /** @throws Refusal (usage) when {@code keep} is not between 1 and E */
    @Override
    public List<Assignment> assign(LayerEvidence evidence, int keep, long seed) {
        checkKeep(keep, evidence.experts());
        return method.assign(evidence, keep, seed);
    }

    /** @throws Refusal (usage) when a layer of {@code experts} cannot be pruned to {@code keep} */
    public static void checkKeep(int keep, int experts) {
        if (keep < 1 || keep > experts) {
            throw Refusal.usage(
                    "K = " + keep + " experts cannot be kept of E = " + experts,
                    "Choose K between 1 and " + experts + ".");
        }
    }

    private static List<Assignment> uncurl(LayerEvidence evidence, int keep, long seed) {
        evidence.requireTokens();
        int[] labels = KMeans.cluster(evidence.gram(), keep, seed).labels();
        return LayerPlan.merging(evidence, labels);
    }

    private static List<Assignment> frequency(LayerEvidence evidence, int keep, long seed) {
        evidence.requireTokens();
        var kept = IntStream.range(0, evidence.experts())
                .boxed()
                .sorted(Comparator.comparingLong(
                        (Integer expert) -> -evidence.statistics().choices(expert)))
                .limit(keep)
                .collect(Collectors.toSet());
        return LayerPlan.keeping(evidence, kept::contains);
    }

    private static List<Assignment> random(LayerEvidence evidence, int keep, long seed) {
        var random = new Random(Seeds.mix(seed, evidence.layer()));
        int[] experts = IntStream.range(0, evidence.experts()).toArray();
        for (int i = 0; i < keep; i++) {
            int j = i + random.nextInt(experts.length - i);
            int swapped = experts[i];
            experts[i] = experts[j];
            experts[j] = swapped;
        }
        IntPredicate kept = expert -> IntStream.range(0, keep).anyMatch(i -> experts[i] == expert);
        return LayerPlan.keeping(evidence, kept);
    }
}

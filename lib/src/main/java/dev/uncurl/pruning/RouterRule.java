package dev.uncurl.pruning;

import dev.uncurl.error.Nearest;
import dev.uncurl.error.UserError;
import dev.uncurl.model.spec.MoeLayer;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * How the router of a pruned layer is computed from that of the parent. {@link #MAP} and {@link #COLLAPSE} are for plans that
 * merge experts, {@link #MASK}, {@link #SLICE} and {@link #ZERO} for plans that drop experts. Let p be the softmax over all E
 * rows of the parent's router. The gate of a chosen expert is p_e with map, mask and zero, and p_e / (1 - sum of p over
 * dropped experts) with slice; with collapse the softmax is over the K new rows. If the model scales the gates of its
 * k &gt; 1 choices to sum to one, it does so afterwards, with each rule; with zero, dropped ones are part of that sum.
 */
public enum RouterRule {
    /**
     * Keeps the rows of all experts, bit for bit. Each row maps to the merged expert of its cluster. Merging identical experts
     * therefore does not change the output of the model.
     */
    MAP(false),
    /** One row per cluster, the weighted mean of the rows of its members. Gives a uniform model of K experts. */
    COLLAPSE(false),
    /**
     * Keeps the rows of all experts, bit for bit. Rows of dropped experts are part of the softmax but are never chosen. A
     * token whose chosen experts are all kept is routed exactly as in the parent, bit for bit. Rows of merged experts map to
     * the expert of their cluster, as with map.
     */
    MASK(true),
    /**
     * Removes the rows of dropped experts and keeps the others, bit for bit. Gives a uniform model of K experts if none were
     * merged; otherwise rows map to the expert of their cluster, as with map.
     */
    SLICE(true),
    /**
     * Keeps the rows of all experts, bit for bit, and the choices of the parent. A choice of a dropped expert adds nothing:
     * no other expert takes its place, and the gates of the others stay. What is measured is the parent without the outputs
     * of these experts.
     */
    ZERO(true);

    private final boolean forDrops;

    RouterRule(boolean forDrops) {
        this.forDrops = forDrops;
    }

    /**
     * The rule with this name.
     *
     * @throws UserError (usage) if there is no such rule (suggests the nearest name), or it cannot be used with the method
     *     (names the rules that can)
     */
    public static RouterRule named(String id, BuiltInMethods method) {
        RouterRule named = named(id);
        if (named.forDrops != method.drops()) {
            String rules = String.join(" or ", ids(method));
            throw UserError.usage(
                    "Router rule " + id + " cannot be used with method " + method.id() + ", which "
                            + (method.drops() ? "drops" : "merges") + " experts",
                    "Use --router " + rules + "; the default is " + of(method).id() + ".");
        }
        return named;
    }

    /** @throws UserError (usage) if there is no rule with this name; suggests the nearest */
    public static RouterRule named(String id) {
        return Arrays.stream(values())
                .filter(rule -> rule.id().equals(id))
                .findFirst()
                .orElseThrow(() -> UserError.usage("There is no router rule " + id, Nearest.hint(id, ids())));
    }

    /** The default rule of a method: {@link #MASK} if it drops experts, {@link #MAP} if it merges. */
    public static RouterRule of(BuiltInMethods method) {
        return method.drops() ? MASK : MAP;
    }

    /**
     * The rule by which a pruned model was made, from its lineage. Models of earlier releases that were pruned by dropping may
     * have map, collapse or nothing recorded; their routers were sliced. If nothing is recorded for a model that was pruned by
     * merging, its routers were collapsed.
     *
     * @param id the recorded name, or null if none was recorded
     * @throws UserError (usage) as in {@link #named}
     */
    public static RouterRule recorded(String id, BuiltInMethods method) {
        String recorded = id == null ? COLLAPSE.id() : id;
        boolean isMergeRule = recorded.equals(MAP.id()) || recorded.equals(COLLAPSE.id());
        return method.drops() && isMergeRule ? SLICE : named(recorded, method);
    }

    /** All names. */
    public static List<String> ids() {
        return Arrays.stream(values()).map(RouterRule::id).toList();
    }

    /** The names of the rules that can be used with a method, its default first. */
    public static List<String> ids(BuiltInMethods method) {
        return Arrays.stream(values())
                .filter(rule -> rule.forDrops == method.drops())
                .map(RouterRule::id)
                .toList();
    }

    /** The name on the command line. */
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** @throws UserError (usage) if the plan drops experts and this rule is for plans that only merge */
    void check(Plan plan) {
        if (!forDrops && plan.assignments().stream().anyMatch(ExpertAssignment::isDropped)) {
            throw UserError.usage(
                    "Plan " + plan.id() + " drops experts, but router rule " + id() + " is for plans that only merge",
                    "Use --router mask, slice or zero.");
        }
    }

    /**
     * Experts and router map of the pruned layer.
     *
     * @param rows one assignment per expert
     * @param clusters K
     */
    MoeLayer layer(List<ExpertAssignment> rows, int clusters) {
        return switch (this) {
            case COLLAPSE -> new MoeLayer(clusters);
            case MAP, MASK -> new MoeLayer(
                    clusters,
                    rows.stream()
                            .map(row -> row.isDropped() ? MoeLayer.MASKED : row.cluster())
                            .toList());
            case ZERO -> new MoeLayer(
                    clusters,
                    rows.stream()
                            .map(row -> row.isDropped() ? MoeLayer.ZEROED : row.cluster())
                            .toList());
            case SLICE -> new MoeLayer(
                    clusters, kept(rows).map(ExpertAssignment::cluster).toList());
        };
    }

    /**
     * Computes the router of the pruned layer.
     *
     * @param router [E, D], one row per expert
     * @param rows one assignment per expert
     * @param clusters K
     * @return [R, D], with R the number of router rows of {@link #layer}; the row of a single expert is copied bit for bit
     */
    public float[] apply(float[] router, List<ExpertAssignment> rows, int clusters) {
        return switch (this) {
            case COLLAPSE -> collapse(router, rows, clusters);
            case MAP, MASK, ZERO -> router.clone();
            case SLICE -> slice(router, rows);
        };
    }

    private static Stream<ExpertAssignment> kept(List<ExpertAssignment> rows) {
        return rows.stream().filter(row -> !row.isDropped());
    }

    private static float[] slice(float[] router, List<ExpertAssignment> rows) {
        int width = router.length / rows.size();
        int[] experts = kept(rows).mapToInt(ExpertAssignment::expert).toArray();
        float[] sliced = new float[experts.length * width];
        for (int row = 0; row < experts.length; row++) {
            System.arraycopy(router, experts[row] * width, sliced, row * width, width);
        }
        return sliced;
    }

    private static float[] collapse(float[] router, List<ExpertAssignment> rows, int clusters) {
        int width = router.length / rows.size();
        float[] collapsed = new float[clusters * width];
        for (int c = 0; c < clusters; c++) {
            int cluster = c;
            var members = rows.stream().filter(row -> row.cluster() == cluster).toList();
            if (members.size() == 1) {
                System.arraycopy(router, members.get(0).expert() * width, collapsed, c * width, width);
                continue;
            }
            double[] sum = new double[width];
            Arrays.fill(sum, -0.0);
            for (ExpertAssignment member : members) {
                for (int d = 0; d < width; d++) {
                    sum[d] += member.weight() * router[member.expert() * width + d];
                }
            }
            for (int d = 0; d < width; d++) {
                collapsed[c * width + d] = (float) sum[d];
            }
        }
        return collapsed;
    }
}

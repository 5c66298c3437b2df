package dev.uncurl.pruning;

import dev.uncurl.error.Nearest;
import dev.uncurl.error.UserError;
import dev.uncurl.model.spec.MoeLayer;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * How the router of a pruned layer comes from the old one. {@link #MAP} and {@link #COLLAPSE} are for plans that merge,
 * {@link #MASK} and {@link #SLICE} for plans that drop experts. With p the softmax over all E rows, as before the pruning, a
 * chosen expert's gate is p_e under map and mask, and p_e / (1 - sum of p over dropped experts) under slice; under collapse
 * the softmax is over other rows. (Where the model scales the gates of its k &gt; 1 choices to sum to one, it does so
 * afterwards, under each rule.)
 */
public enum RouterRule {
    /**
     * The rows of all experts stay, bit for bit, and each leads to the expert that its own went into. If the members of each
     * cluster are the same function, the model says what it said before.
     */
    MAP(false),
    /** One row per cluster, the weighted mean of its members' rows: a uniform model of K experts. */
    COLLAPSE(false),
    /**
     * The rows of all experts stay, bit for bit; those of dropped ones count in the softmax and are never chosen. A token
     * whose choices were all kept is routed as before, to the bit. Rows of experts that were merged lead to theirs, as
     * under map.
     */
    MASK(true),
    /**
     * The rows of dropped experts go; those of the others stay, bit for bit. Where none were merged that is a uniform model of K
     * experts; else rows lead to the merged ones, as under map.
     */
    SLICE(true);

    private final boolean forDrops;

    RouterRule(boolean forDrops) {
        this.forDrops = forDrops;
    }

    /**
     * The rule of that name.
     *
     * @throws UserError (usage) when there is none, with the nearest name, or when it makes no sense for the method, with those
     *     that do
     */
    public static RouterRule named(String id, BuiltInMethods method) {
        RouterRule named = Arrays.stream(values())
                .filter(rule -> rule.id().equals(id))
                .findFirst()
                .orElseThrow(() -> UserError.usage("There is no router rule " + id, Nearest.hint(id, ids())));
        if (named.forDrops != method.drops()) {
            String rules = String.join(" or ", ids(method));
            throw UserError.usage(
                    "Router rule " + id + " is not for method " + method.id() + ", which "
                            + (method.drops() ? "drops" : "merges") + " experts",
                    "Use --router " + rules + "; without --router it is "
                            + of(method).id() + ".");
        }
        return named;
    }

    /** The rule where none is asked for: {@link #MASK} for methods that drop experts, {@link #MAP} for those that merge. */
    public static RouterRule of(BuiltInMethods method) {
        return method.drops() ? MASK : MAP;
    }

    /**
     * The rule that the lineage of a pruned model names. Before there were rules for dropping, models of methods that drop
     * were recorded with map or collapse, and before there were rules at all, with none; the former were sliced, and all
     * else collapsed.
     *
     * @param id as recorded, or null
     * @throws UserError (usage) as {@link #named}
     */
    public static RouterRule recorded(String id, BuiltInMethods method) {
        String recorded = id == null ? COLLAPSE.id() : id;
        boolean beforeDrops = recorded.equals(MAP.id()) || recorded.equals(COLLAPSE.id());
        return method.drops() && beforeDrops ? SLICE : named(recorded, method);
    }

    /** All names. */
    public static List<String> ids() {
        return Arrays.stream(values()).map(RouterRule::id).toList();
    }

    /** The names of the rules for a method, its default first. */
    public static List<String> ids(BuiltInMethods method) {
        return Arrays.stream(values())
                .filter(rule -> rule.forDrops == method.drops())
                .map(RouterRule::id)
                .toList();
    }

    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** @throws UserError (usage) when experts are dropped, and this is a rule for plans that merge all */
    void check(Plan plan) {
        if (!forDrops && plan.assignments().stream().anyMatch(ExpertAssignment::isDropped)) {
            throw UserError.usage(
                    "Plan " + plan.id() + " drops experts: router rule " + id() + " is for plans that merge all",
                    "Use mask or slice.");
        }
    }

    /**
     * Experts and router of the pruned layer.
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
            case SLICE -> new MoeLayer(
                    clusters, kept(rows).map(ExpertAssignment::cluster).toList());
        };
    }

    /**
     * @param router [E, D], one row per expert
     * @param rows one assignment per expert
     * @param clusters K
     * @return [R, D], R rows as {@link #layer} tells; a row that only one expert goes into is that one's, bit for bit
     */
    public float[] apply(float[] router, List<ExpertAssignment> rows, int clusters) {
        return switch (this) {
            case COLLAPSE -> collapse(router, rows, clusters);
            case MAP, MASK -> router.clone();
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

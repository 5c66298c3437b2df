package dev.uncurl.pruning;

import dev.uncurl.config.MoeLayer;
import dev.uncurl.error.Nearest;
import dev.uncurl.error.Refusal;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** How the router of a pruned layer comes from the old one. */
public enum RouterRule {
    /** One row per cluster, the weighted mean of its members' rows: a plain model of K experts. */
    COLLAPSE,
    /**
     * The rows of all experts that are not dropped stay, bit for bit, and each leads to the expert that its own went into. If
     * the members of each cluster are the same function and none is dropped, the model says what it said before.
     */
    MAP;

    /** @throws Refusal (usage) with the nearest name when there is no such rule */
    public static RouterRule named(String title) {
        return Arrays.stream(values())
                .filter(rule -> rule.title().equals(title))
                .findFirst()
                .orElseThrow(() -> Refusal.usage("There is no router rule " + title, Nearest.hint(title, titles())));
    }

    /** The names that {@link #named} takes. */
    public static List<String> titles() {
        return Arrays.stream(values()).map(RouterRule::title).toList();
    }

    public String title() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * Experts and router of the pruned layer.
     *
     * @param rows one assignment per expert
     * @param clusters K
     */
    MoeLayer layer(List<Assignment> rows, int clusters) {
        return switch (this) {
            case COLLAPSE -> new MoeLayer(clusters);
            case MAP -> new MoeLayer(
                    clusters, kept(rows).map(Assignment::cluster).toList());
        };
    }

    /**
     * @param router [E, D], one row per expert
     * @param rows one assignment per expert
     * @param clusters K
     * @return [R, D], R rows as {@link #layer} tells; a row that only one expert goes into is that one's, bit for bit
     */
    public float[] apply(float[] router, List<Assignment> rows, int clusters) {
        return switch (this) {
            case COLLAPSE -> collapse(router, rows, clusters);
            case MAP -> map(router, rows);
        };
    }

    private static Stream<Assignment> kept(List<Assignment> rows) {
        return rows.stream().filter(row -> !row.isDropped());
    }

    private static float[] map(float[] router, List<Assignment> rows) {
        int width = router.length / rows.size();
        int[] experts = kept(rows).mapToInt(Assignment::expert).toArray();
        float[] mapped = new float[experts.length * width];
        for (int row = 0; row < experts.length; row++) {
            System.arraycopy(router, experts[row] * width, mapped, row * width, width);
        }
        return mapped;
    }

    private static float[] collapse(float[] router, List<Assignment> rows, int clusters) {
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
            for (Assignment member : members) {
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

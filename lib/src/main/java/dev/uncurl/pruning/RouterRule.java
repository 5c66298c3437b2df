package dev.uncurl.pruning;

import dev.uncurl.error.Nearest;
import dev.uncurl.error.Refusal;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** How the router of a pruned layer comes from the old one. */
public enum RouterRule {
    /** One row per cluster, the weighted mean of its members' rows: a plain model of K experts. */
    COLLAPSE;

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
     * @param router [E, D], one row per expert
     * @param rows one assignment per expert
     * @param clusters K
     * @return [K, D]; the row of a cluster with one member is that member's, bit for bit
     */
    public float[] apply(float[] router, List<Assignment> rows, int clusters) {
        return switch (this) {
            case COLLAPSE -> collapse(router, rows, clusters);
        };
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

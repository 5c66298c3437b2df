package dev.uncurl.pruning;

import dev.uncurl.routing.RouterGram;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;

/**
 * How well a plan fits the router logits of one layer, with column h_e of expert e:
 *
 * <ul>
 *   <li>inertia: sum over the experts that stay of |h_e - m|^2, m the mean of their cluster's columns;
 *   <li>silhouette (Rousseeuw 1987): mean over the experts that stay of (b - a) / max(a, b), where a is the mean distance
 *       to the others of the own cluster and b the lowest mean distance to another cluster; 0 for an expert that is a
 *       cluster of its own; none with one cluster;
 *   <li>cost: how far the plan moves the router logits that the task's tokens were sent by, as a share of what there is
 *       to lose: sum_e f_e |h_e - c_e|^2 / sum_e f_e |h_e - c|^2. f_e is the expert's share of the layer's choices, c =
 *       sum_e f_e h_e, and c_e the column that stands for the expert afterwards: the mean of its cluster by the plan's
 *       weights, which are the logits of a collapsed router, or for a dropped expert the nearest column that stays. It is
 *       0 when nothing is merged, 1 for one cluster with activation counts as weights, and 0 when all columns that were
 *       chosen are the same.
 * </ul>
 *
 * @param clusters K of the layer
 * @param silhouette -1 to 1
 */
public record LayerScore(int layer, int experts, int clusters, double inertia, OptionalDouble silhouette, double cost) {
    /** @param rows of a plan, one per expert of the layer, ascending */
    public static LayerScore of(LayerStatistics evidence, List<ExpertAssignment> rows) {
        int count = rows.stream().mapToInt(ExpertAssignment::cluster).max().orElseThrow() + 1;
        var members = new ArrayList<int[]>();
        for (int c = 0; c < count; c++) {
            int cluster = c;
            members.add(rows.stream()
                    .filter(row -> row.cluster() == cluster)
                    .mapToInt(ExpertAssignment::expert)
                    .toArray());
        }
        RouterGram gram = evidence.gram();
        double inertia = 0;
        for (int[] cluster : members) {
            for (int expert : cluster) {
                inertia += gram.squaredDistanceToMean(expert, cluster);
            }
        }
        return new LayerScore(
                evidence.layer(),
                rows.size(),
                count,
                inertia,
                silhouette(gram, members),
                cost(evidence, rows, members));
    }

    private static OptionalDouble silhouette(RouterGram gram, List<int[]> members) {
        if (members.size() == 1) {
            return OptionalDouble.empty();
        }
        double sum = 0;
        int stay = 0;
        for (int[] own : members) {
            stay += own.length;
            for (int expert : own) {
                if (own.length > 1) {
                    double a = distances(gram, expert, own) / (own.length - 1);
                    double b = members.stream()
                            .filter(other -> other != own)
                            .mapToDouble(other -> distances(gram, expert, other) / other.length)
                            .min()
                            .orElseThrow();
                    double larger = Math.max(a, b);
                    sum += larger == 0 ? 0 : (b - a) / larger;
                }
            }
        }
        return OptionalDouble.of(sum / stay);
    }

    private static double distances(RouterGram gram, int expert, int[] others) {
        double sum = 0;
        for (int other : others) {
            sum += other == expert ? 0 : Math.sqrt(gram.squaredDistance(expert, other));
        }
        return sum;
    }

    private static double cost(LayerStatistics evidence, List<ExpertAssignment> rows, List<int[]> members) {
        RouterGram gram = evidence.gram();
        int experts = rows.size();
        double[] choices = new double[experts];
        double[] weights = new double[experts];
        for (int e = 0; e < experts; e++) {
            choices[e] = evidence.statistics().choices(e);
            weights[e] = rows.get(e).weight();
        }
        double all = Arrays.stream(choices).sum();
        if (all == 0) {
            return 0;
        }
        double[] shares = Arrays.stream(choices).map(count -> count / all).toArray();
        int[] everyone = rows.stream().mapToInt(ExpertAssignment::expert).toArray();
        double moved = 0;
        double spread = 0;
        for (int e = 0; e < experts; e++) {
            if (choices[e] > 0) {
                int cluster = rows.get(e).cluster();
                double distance = cluster < 0 ? nearest(gram, e, rows) : toMean(gram, e, members.get(cluster), weights);
                moved += choices[e] * distance;
                spread += choices[e] * toMean(gram, e, everyone, shares);
            }
        }
        return spread == 0 ? 0 : moved / spread;
    }

    private static double nearest(RouterGram gram, int expert, List<ExpertAssignment> rows) {
        return rows.stream()
                .filter(row -> !row.isDropped())
                .mapToDouble(row -> gram.squaredDistance(expert, row.expert()))
                .min()
                .orElseThrow();
    }

    /** |h_i - sum_j w_j h_j|^2 over the members j, whose weights sum to 1; never below 0. */
    private static double toMean(RouterGram gram, int i, int[] members, double[] weights) {
        if (members.length == 1 && members[0] == i) {
            return 0;
        }
        double cross = 0;
        double within = 0;
        for (int j : members) {
            cross += weights[j] * gram.at(i, j);
            for (int l : members) {
                within += weights[j] * weights[l] * gram.at(j, l);
            }
        }
        return Math.max(0, gram.at(i, i) - 2 * cross + within);
    }
}

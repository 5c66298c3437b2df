package dev.uncurl.pruning;

import dev.uncurl.routing.RouterGram;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;

/**
 * How well a plan fits the router logits of one layer. h_e is the column of the router logits of expert e.
 *
 * <ul>
 *   <li>inertia: sum over the kept experts of |h_e - m|^2, where m is the mean of the columns of the expert's cluster;
 *   <li>silhouette (Rousseeuw 1987): mean over the kept experts of (b - a) / max(a, b), where a is the mean distance to the
 *       other members of the expert's cluster and b the lowest mean distance to another cluster; 0 for an expert that is
 *       alone in its cluster; undefined for one cluster;
 *   <li>cost: the change of the router logits by the plan, relative to the greatest change, weighted by activations:
 *       sum_e f_e |h_e - c_e|^2 / sum_e f_e |h_e - c|^2. f_e is the expert's share of the layer's choices, and c = sum_e f_e
 *       h_e. c_e is the column that replaces h_e: the mean of the expert's cluster with the weights of the plan (the logits of
 *       a collapsed router), or for a dropped expert the nearest column of a kept expert. The cost is 0 if nothing is merged,
 *       1 for one cluster with activation counts as weights, and 0 if all chosen columns are equal.
 * </ul>
 *
 * @param experts E of the layer
 * @param clusters K of the layer
 * @param silhouette -1 to 1
 */
public record LayerScore(int layer, int experts, int clusters, double inertia, OptionalDouble silhouette, double cost) {
    /** @param rows of the plan for the layer, one per expert, ascending */
    public static LayerScore of(LayerStatistics layer, List<ExpertAssignment> rows) {
        int clusters = rows.stream().mapToInt(ExpertAssignment::cluster).max().orElseThrow() + 1;
        var members = new ArrayList<int[]>();
        for (int c = 0; c < clusters; c++) {
            int cluster = c;
            members.add(rows.stream()
                    .filter(row -> row.cluster() == cluster)
                    .mapToInt(ExpertAssignment::expert)
                    .toArray());
        }
        RouterGram gram = layer.gram();
        double inertia = 0;
        for (int[] cluster : members) {
            for (int expert : cluster) {
                inertia += gram.squaredDistanceToMean(expert, cluster);
            }
        }
        return new LayerScore(
                layer.layer(), rows.size(), clusters, inertia, silhouette(gram, members), cost(layer, rows, members));
    }

    private static OptionalDouble silhouette(RouterGram gram, List<int[]> members) {
        if (members.size() == 1) {
            return OptionalDouble.empty();
        }
        double sum = 0;
        int kept = 0;
        for (int[] own : members) {
            kept += own.length;
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
        return OptionalDouble.of(sum / kept);
    }

    private static double distances(RouterGram gram, int expert, int[] others) {
        double sum = 0;
        for (int other : others) {
            sum += other == expert ? 0 : Math.sqrt(gram.squaredDistance(expert, other));
        }
        return sum;
    }

    private static double cost(LayerStatistics layer, List<ExpertAssignment> rows, List<int[]> members) {
        RouterGram gram = layer.gram();
        int experts = rows.size();
        double[] choices = new double[experts];
        double[] weights = new double[experts];
        for (int e = 0; e < experts; e++) {
            choices[e] = layer.statistics().choices(e);
            weights[e] = rows.get(e).weight();
        }
        double all = Arrays.stream(choices).sum();
        if (all == 0) {
            return 0;
        }
        double[] shares = Arrays.stream(choices).map(count -> count / all).toArray();
        int[] allExperts = rows.stream().mapToInt(ExpertAssignment::expert).toArray();
        double change = 0;
        double spread = 0;
        for (int e = 0; e < experts; e++) {
            if (choices[e] > 0) {
                int cluster = rows.get(e).cluster();
                double distance =
                        cluster < 0 ? toNearestKept(gram, e, rows) : toMean(gram, e, members.get(cluster), weights);
                change += choices[e] * distance;
                spread += choices[e] * toMean(gram, e, allExperts, shares);
            }
        }
        return spread == 0 ? 0 : change / spread;
    }

    private static double toNearestKept(RouterGram gram, int expert, List<ExpertAssignment> rows) {
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

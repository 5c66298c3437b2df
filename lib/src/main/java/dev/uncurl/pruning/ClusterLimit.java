package dev.uncurl.pruning;

import dev.uncurl.clustering.CanonicalGram;
import dev.uncurl.clustering.Labels;
import dev.uncurl.routing.RouterGram;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Clusters of no more than a given size: as long as one is larger, the expert is moved out of such a cluster, into one
 * with room, for which the squared distance to the mean of the new cluster less that to the mean of the old one is least.
 * The reference of a cluster stays. Of equal moves the first in the order of {@link CanonicalGram} is made, into the cluster
 * whose reference comes first in it.
 */
final class ClusterLimit {
    private final RouterGram gram;
    private final CanonicalGram columns;
    private final int[] labels;
    private final int[] references;
    private final int most;

    private ClusterLimit(LayerStatistics evidence, int[] labels, int most) {
        gram = evidence.gram();
        columns = CanonicalGram.of(gram);
        this.labels = Labels.canonical(labels);
        references = LayerPlan.references(evidence, this.labels);
        this.most = most;
    }

    /**
     * @param labels as a {@link PruningMethod} gives them
     * @param most at least E / K
     * @return clusters as many as before, none larger than {@code most}
     */
    static int[] limited(LayerStatistics evidence, int[] labels, int most) {
        var limit = new ClusterLimit(evidence, labels, most);
        for (Move move = limit.best(); move != null; move = limit.best()) {
            limit.labels[move.expert] = move.into;
        }
        return limit.labels;
    }

    private record Move(int expert, int into) {}

    /** @param within sum of G over all pairs of members */
    private record Cluster(int[] members, double within) {}

    /** @return null when no cluster is too large */
    private Move best() {
        List<Cluster> clusters = clusters();
        Move best = null;
        double least = Double.POSITIVE_INFINITY;
        for (int place = 0; place < columns.count(); place++) {
            int expert = columns.expert(place);
            int from = labels[expert];
            if (from < 0 || clusters.get(from).members.length <= most || references[from] == expert) {
                continue;
            }
            double before = squaredDistance(expert, clusters.get(from));
            for (int other = 0; other < columns.count(); other++) {
                int into = labels[columns.expert(other)];
                boolean open = into >= 0
                        && references[into] == columns.expert(other)
                        && clusters.get(into).members.length < most;
                if (open && squaredDistance(expert, clusters.get(into)) - before < least) {
                    least = squaredDistance(expert, clusters.get(into)) - before;
                    best = new Move(expert, into);
                }
            }
        }
        return best;
    }

    private List<Cluster> clusters() {
        var clusters = new ArrayList<Cluster>();
        for (int c = 0; c < references.length; c++) {
            int cluster = c;
            int[] members = IntStream.range(0, labels.length)
                    .filter(e -> labels[e] == cluster)
                    .toArray();
            double within = 0;
            for (int j : members) {
                for (int l : members) {
                    within += gram.at(j, l);
                }
            }
            clusters.add(new Cluster(members, within));
        }
        return clusters;
    }

    /** To the cluster's mean. */
    private double squaredDistance(int expert, Cluster cluster) {
        double cross = 0;
        for (int j : cluster.members) {
            cross += gram.at(expert, j);
        }
        double size = cluster.members.length;
        return Math.max(0, gram.at(expert, expert) - 2 / size * cross + cluster.within / (size * size));
    }
}

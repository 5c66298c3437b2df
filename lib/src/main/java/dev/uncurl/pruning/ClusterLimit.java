package dev.uncurl.pruning;

import dev.uncurl.clustering.CanonicalGram;
import dev.uncurl.clustering.Labels;
import dev.uncurl.routing.RouterGram;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Limits the size of clusters. While a cluster is too large, one expert is moved from a too large cluster into a cluster that
 * is not full: the move with the least difference between the squared distance to the mean of the new cluster and that to the
 * mean of the old cluster. The reference of a cluster is never moved. Of equal moves, the expert that comes first in the
 * order of {@link CanonicalGram} is moved, into the cluster whose reference comes first in that order.
 */
final class ClusterLimit {
    private final RouterGram gram;
    private final CanonicalGram columns;
    private final int[] labels;
    private final int[] references;
    private final int maxSize;

    private ClusterLimit(LayerStatistics layer, int[] labels, int maxSize) {
        gram = layer.gram();
        columns = CanonicalGram.of(gram);
        this.labels = Labels.canonical(labels);
        references = LayerPlan.references(layer, this.labels);
        this.maxSize = maxSize;
    }

    /**
     * @param labels result of a {@link PruningMethod}
     * @param maxSize at least E / K
     * @return the labels after the moves; the number of clusters does not change, none is larger than {@code maxSize}
     */
    static int[] limited(LayerStatistics layer, int[] labels, int maxSize) {
        var limit = new ClusterLimit(layer, labels, maxSize);
        for (Move move = limit.best(); move != null; move = limit.best()) {
            limit.labels[move.expert] = move.into;
        }
        return limit.labels;
    }

    private record Move(int expert, int into) {}

    /** @param within sum of the Gram matrix over all pairs of members */
    private record Cluster(int[] members, double within) {}

    /** @return null if no cluster is too large */
    private Move best() {
        List<Cluster> clusters = clusters();
        Move best = null;
        double least = Double.POSITIVE_INFINITY;
        for (int column = 0; column < columns.count(); column++) {
            int expert = columns.expert(column);
            int from = labels[expert];
            if (from < 0 || clusters.get(from).members.length <= maxSize || references[from] == expert) {
                continue;
            }
            double before = squaredDistance(expert, clusters.get(from));
            for (int other = 0; other < columns.count(); other++) {
                int into = labels[columns.expert(other)];
                boolean hasRoom = into >= 0
                        && references[into] == columns.expert(other)
                        && clusters.get(into).members.length < maxSize;
                if (hasRoom && squaredDistance(expert, clusters.get(into)) - before < least) {
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

    /** Squared distance of the column of an expert to the mean of a cluster. */
    private double squaredDistance(int expert, Cluster cluster) {
        double cross = 0;
        for (int j : cluster.members) {
            cross += gram.at(expert, j);
        }
        double size = cluster.members.length;
        return Math.max(0, gram.at(expert, expert) - 2 / size * cross + cluster.within / (size * size));
    }
}

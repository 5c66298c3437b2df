package dev.uncurl.pruning;

import dev.uncurl.clustering.Columns;
import dev.uncurl.clustering.Labels;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Clusters of no more than a given size: as long as one is larger, the expert is moved out of such a cluster, into one
 * with room, that adds least to the inertia (the squared distance to the mean of the new cluster less that to the mean of
 * the old one). The reference of a cluster stays. Of equal moves the first in the order of {@link Columns} is made, into
 * the cluster whose reference comes first in it.
 */
final class ClusterLimit {
    private ClusterLimit() {}

    /**
     * @param labels as a {@link PruningMethod} gives them
     * @param most at least E / K
     * @return clusters as many as before, none larger than {@code most}
     */
    static int[] limited(LayerEvidence evidence, int[] labels, int most) {
        int[] limited = Labels.canonical(labels);
        int[] references = LayerPlan.references(evidence, limited);
        Columns columns = Columns.of(evidence.gram());
        while (true) {
            List<int[]> members = members(limited, references.length);
            if (members.stream().allMatch(cluster -> cluster.length <= most)) {
                return limited;
            }
            int expert = -1;
            int target = -1;
            double least = Double.POSITIVE_INFINITY;
            for (int place = 0; place < columns.count(); place++) {
                int candidate = columns.expert(place);
                int from = limited[candidate];
                if (from < 0 || members.get(from).length <= most || references[from] == candidate) {
                    continue;
                }
                double before = evidence.gram().squaredDistanceToMean(candidate, members.get(from));
                for (int other = 0; other < columns.count(); other++) {
                    int into = limited[columns.expert(other)];
                    boolean open =
                            into >= 0 && references[into] == columns.expert(other) && members.get(into).length < most;
                    double cost = open
                            ? evidence.gram().squaredDistanceToMean(candidate, members.get(into)) - before
                            : Double.POSITIVE_INFINITY;
                    if (cost < least) {
                        least = cost;
                        expert = candidate;
                        target = into;
                    }
                }
            }
            limited[expert] = target;
        }
    }

    private static List<int[]> members(int[] labels, int clusters) {
        var members = new ArrayList<int[]>();
        for (int c = 0; c < clusters; c++) {
            int cluster = c;
            members.add(IntStream.range(0, labels.length)
                    .filter(e -> labels[e] == cluster)
                    .toArray());
        }
        return members;
    }
}

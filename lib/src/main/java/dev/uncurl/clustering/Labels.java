package dev.uncurl.clustering;

import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Arrays with the cluster of each member; a negative label means that it belongs to none. */
public final class Labels {
    private Labels() {}

    /** The same clusters, renumbered 0, 1, ... in the order of their lowest members; negative labels are unchanged. */
    public static int[] canonical(int[] labels) {
        var order = IntStream.of(labels)
                .filter(label -> label >= 0)
                .boxed()
                .distinct()
                .collect(Collectors.toList());
        return IntStream.of(labels)
                .map(label -> label < 0 ? label : order.indexOf(label))
                .toArray();
    }
}

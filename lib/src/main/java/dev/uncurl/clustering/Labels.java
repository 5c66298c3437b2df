package dev.uncurl.clustering;

import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Arrays that name the cluster of each member; a negative label says that it is in none. */
public final class Labels {
    private Labels() {}

    /** The same clusters numbered 0, 1, ... in the order of their lowest members; negative labels stay. */
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

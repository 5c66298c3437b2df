package dev.uncurl.model.spec;

import static dev.uncurl.config.Check.check;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import dev.uncurl.config.Range;
import java.io.Serializable;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Experts and router of one block. With a router map, router rows and experts need not correspond one to one. Several rows can
 * map to the same expert: after merging with router rule map. A row can be masked: after dropping with router rule mask. A
 * masked row is part of the softmax but is never chosen.
 *
 * @param experts E of this block
 * @param routerMap expert of each router row [R], each of 0 to E - 1 at least once, or {@value #MASKED} for a masked row; empty
 *     if row r is for expert r. The identity map is stored as an empty one
 */
public record MoeLayer(int experts, @JsonInclude(JsonInclude.Include.NON_EMPTY) List<Integer> routerMap)
        implements Serializable {
    /** Value in {@link #routerMap} of a masked row, whose expert was dropped. */
    public static final int MASKED = -1;

    public MoeLayer {
        Range.LAYER_EXPERTS.check(experts);
        List<Integer> everyExpert = IntStream.range(0, experts).boxed().toList();
        boolean covers = routerMap.isEmpty()
                || routerMap.stream()
                        .filter(expert -> expert != MASKED)
                        .distinct()
                        .sorted()
                        .toList()
                        .equals(everyExpert);
        check(
                covers,
                "router-map",
                routerMap,
                "experts from 0 to " + (experts - 1) + " (experts = " + experts + "), each at least once, or " + MASKED
                        + " for a row that is never chosen");
        routerMap = routerMap.equals(everyExpert) ? List.of() : List.copyOf(routerMap);
    }

    /** Experts with one router row each. */
    public MoeLayer(int experts) {
        this(experts, List.of());
    }

    /** R, number of router rows, with masked ones; equal to the number of experts if there is no map. */
    public int routerRows() {
        return isMapped() ? routerMap.size() : experts;
    }

    /** Number of live router rows: those that are not masked and can be chosen. */
    public int liveRows() {
        return routerRows() - Collections.frequency(routerMap, MASKED);
    }

    /** Whether there is a router map. */
    @JsonIgnore
    public boolean isMapped() {
        return !routerMap.isEmpty();
    }

    /** Whether some rows are masked. */
    @JsonIgnore
    public boolean isMasked() {
        return routerMap.contains(MASKED);
    }

    /** The expert of each router row [R], {@value #MASKED} for a masked one. */
    public int[] expertOfRow() {
        return isMapped()
                ? routerMap.stream().mapToInt(Integer::intValue).toArray()
                : IntStream.range(0, experts).toArray();
    }
}

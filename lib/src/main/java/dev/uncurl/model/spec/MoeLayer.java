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
 * Experts and router of one block. With a map the router has other rows than there are experts: several rows may lead to
 * the same expert, as pruning by merging leaves a router that stays as it was; and a row may lead to none, as pruning by
 * dropping does. Such a row is masked: the softmax runs over it like any other, but it is never chosen.
 *
 * @param experts K
 * @param routerMap expert of each router row [R], each of 0 to K - 1 at least once, or {@value #MASKED} for a masked row;
 *     empty when there is a row for each expert. A map of each row to the expert of the same number is the same as none,
 *     and is stored as none
 */
public record MoeLayer(int experts, @JsonInclude(JsonInclude.Include.NON_EMPTY) List<Integer> routerMap)
        implements Serializable {
    /** In place of an expert in {@link #routerMap}: the row's expert was dropped. */
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

    /** K experts with a row each. */
    public MoeLayer(int experts) {
        this(experts, List.of());
    }

    /** R, rows of the router, masked ones too: as many as experts, unless there is a map. */
    public int routerRows() {
        return isMapped() ? routerMap.size() : experts;
    }

    /** Rows of the router that can be chosen: those that are not masked. */
    public int liveRows() {
        return routerRows() - Collections.frequency(routerMap, MASKED);
    }

    /** Whether rows stand for experts of other numbers than their own, or for none. */
    @JsonIgnore
    public boolean isMapped() {
        return !routerMap.isEmpty();
    }

    /** Whether some rows are never chosen. */
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

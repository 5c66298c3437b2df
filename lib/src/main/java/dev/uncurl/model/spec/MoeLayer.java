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
 * map to the same expert: after merging with router rule map. A row whose expert was dropped can stay, and leads nowhere: a
 * masked row (router rule mask) is part of the softmax but is never chosen; a zeroed row (router rule zero) is chosen as
 * before, and such a choice adds nothing. A router has masked or zeroed rows, not both. The others are live.
 *
 * @param experts E of this block
 * @param routerMap expert of each router row [R], each of 0 to E - 1 at least once, or {@value #MASKED} for a masked or
 *     {@value #ZEROED} for a zeroed row; empty if row r is for expert r. The identity map is stored as an empty one
 */
public record MoeLayer(int experts, @JsonInclude(JsonInclude.Include.NON_EMPTY) List<Integer> routerMap)
        implements Serializable {
    /** Value in {@link #routerMap} of a masked row, whose expert was dropped: it is never chosen. */
    public static final int MASKED = -1;

    /** Value in {@link #routerMap} of a zeroed row, whose expert was dropped: it is chosen, and adds nothing. */
    public static final int ZEROED = -2;

    public MoeLayer {
        Range.LAYER_EXPERTS.check(experts);
        List<Integer> everyExpert = IntStream.range(0, experts).boxed().toList();
        boolean covers = routerMap.isEmpty()
                || routerMap.stream()
                        .filter(expert -> expert != MASKED && expert != ZEROED)
                        .distinct()
                        .sorted()
                        .toList()
                        .equals(everyExpert);
        check(
                covers,
                "router-map",
                routerMap,
                "experts from 0 to " + (experts - 1) + " (experts = " + experts + "), each at least once, or " + MASKED
                        + " for a row that is never chosen, or " + ZEROED + " for one whose choice adds nothing");
        check(
                !routerMap.contains(MASKED) || !routerMap.contains(ZEROED),
                "router-map",
                routerMap,
                "rows that are never chosen (" + MASKED + ") or rows whose choice adds nothing (" + ZEROED
                        + "), not both");
        routerMap = routerMap.equals(everyExpert) ? List.of() : List.copyOf(routerMap);
    }

    /** Experts with one router row each. */
    public MoeLayer(int experts) {
        this(experts, List.of());
    }

    /** R, number of router rows, with masked and zeroed ones; equal to the number of experts if there is no map. */
    public int routerRows() {
        return isMapped() ? routerMap.size() : experts;
    }

    /** Number of live router rows: those that lead to an expert. */
    public int liveRows() {
        return choosableRows() - Collections.frequency(routerMap, ZEROED);
    }

    /** Number of router rows that can be chosen: all but masked ones. */
    public int choosableRows() {
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

    /** Whether some rows are zeroed. */
    @JsonIgnore
    public boolean isZeroed() {
        return routerMap.contains(ZEROED);
    }

    /** The expert of each router row [R], {@value #MASKED} for a masked and {@value #ZEROED} for a zeroed one. */
    public int[] expertOfRow() {
        return isMapped()
                ? routerMap.stream().mapToInt(Integer::intValue).toArray()
                : IntStream.range(0, experts).toArray();
    }
}

package dev.uncurl.config;

import static dev.uncurl.config.Check.check;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import java.io.Serializable;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Experts and router of one block. With a map the router chooses among more rows than there are experts, and several rows
 * may lead to the same expert: what pruning by merging leaves when the router stays as it was.
 *
 * @param experts K
 * @param routerMap expert of each router row [R], values 0 to K - 1, all of them used; empty when there is a row for each
 *     expert. A map of each row to the expert of the same number is the same as none, and is stored as none
 */
public record MoeLayer(int experts, @JsonInclude(JsonInclude.Include.NON_EMPTY) List<Integer> routerMap)
        implements Serializable {
    public MoeLayer {
        Range.LAYER_EXPERTS.check(experts);
        List<Integer> everyExpert = IntStream.range(0, experts).boxed().toList();
        boolean covers = routerMap.isEmpty()
                || routerMap.stream().distinct().sorted().toList().equals(everyExpert);
        check(
                covers,
                "router-map",
                routerMap,
                "experts from 0 to " + (experts - 1) + " (experts = " + experts + "), each at least once");
        routerMap = routerMap.equals(everyExpert) ? List.of() : List.copyOf(routerMap);
    }

    /** K experts with a row each. */
    public MoeLayer(int experts) {
        this(experts, List.of());
    }

    /** R, rows of the router: as many as experts, unless there is a map. */
    public int routerRows() {
        return isMapped() ? routerMap.size() : experts;
    }

    /** Whether rows stand for experts of other numbers than their own. */
    @JsonIgnore
    public boolean isMapped() {
        return !routerMap.isEmpty();
    }

    /** The expert of each router row [R]. */
    public int[] expertOfRow() {
        return isMapped()
                ? routerMap.stream().mapToInt(Integer::intValue).toArray()
                : IntStream.range(0, experts).toArray();
    }
}

package dev.uncurl.jobs.maintain;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class UnneededModelsTest {
    private static final int MODELS = 9;

    private static String name(int model) {
        return "m" + model;
    }

    private static Set<String> names(Collection<Integer> models) {
        var names = new HashSet<String>();
        models.forEach(model -> names.add(name(model)));
        return names;
    }

    /** Model i stays if it is needed, was not made by a sweep, or some model that stays was made from it. */
    private static boolean stays(String model, Set<String> needed, Set<String> made, Map<String, String> parents) {
        return needed.contains(model)
                || !made.contains(model)
                || parents.entrySet().stream()
                        .anyMatch(one -> one.getValue().equals(model) && stays(one.getKey(), needed, made, parents));
    }

    @Property(tries = 500)
    void whatIsNeededByHandMadeOrAnAncestorOfThatStaysAndAllElseGoes(
            @ForAll @Size(MODELS) List<@IntRange(min = -1, max = MODELS - 1) Integer> parentOf,
            @ForAll Set<@IntRange(min = 0, max = MODELS - 1) Integer> made,
            @ForAll Set<@IntRange(min = 0, max = MODELS - 1) Integer> needed) {
        var parents = new HashMap<String, String>();
        var there = new TreeSet<String>();
        for (int model = 0; model < MODELS; model++) {
            there.add(name(model));
            if (parentOf.get(model) >= 0 && parentOf.get(model) < model) { // made after its parent
                parents.put(name(model), name(parentOf.get(model)));
            }
        }
        var candidates = new HashSet<>(there);
        candidates.removeAll(names(needed));
        Set<String> unneeded = UnneededModels.unneeded(candidates, names(made), there, parents);
        there.forEach(model -> assertThat(unneeded.contains(model))
                .as(model + " of " + parents + ", made " + made + ", needed " + needed)
                .isEqualTo(!stays(model, names(needed), names(made), parents)));
    }

    @Test
    void theNewestDatesCountNotTheDaysBetween() {
        var dates = new TreeSet<String>(Comparator.reverseOrder());
        dates.addAll(List.of("2025-12-31", "2026-01-01", "2026-11-25"));
        assertThat(UnneededModels.oldestKept(dates, 1)).isEqualTo("2026-11-25");
        assertThat(UnneededModels.oldestKept(dates, 2)).isEqualTo("2026-01-01");
        assertThat(UnneededModels.oldestKept(dates, 9)).isEqualTo("2025-12-31");
    }
}

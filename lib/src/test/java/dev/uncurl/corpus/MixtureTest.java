package dev.uncurl.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.error.UserError;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class MixtureTest {
    @Test
    void tasksAreCappedAndSourcesKeepTheirWeights() {
        var mixture = new Mixture(Map.of("CoT", 1.0, "NIv2", 3.0), 100, 1);
        var taken = mixture.take(Map.of(
                "CoT",
                Map.of("aqua", 1_000L, "creak", 50L),
                "NIv2",
                Map.of("a", 10L, "b", 5_000L, "c", 100L, "d", 90L)));
        // NIv2 has 300 under the cap, and 3 parts of 4: 400 in all, 100 of them CoT, 2 to 1
        assertThat(taken.get("NIv2")).isEqualTo(Map.of("a", 10L, "b", 100L, "c", 100L, "d", 90L));
        assertThat(taken.get("CoT")).isEqualTo(Map.of("aqua", 67L, "creak", 33L));
    }

    @Property(tries = 500)
    void noneIsTakenTwiceAndTheWeightsHold(
            @ForAll @Size(min = 1, max = 5)
                    List<@Size(min = 1, max = 6) List<@IntRange(min = 1, max = 5_000) Integer>> counts,
            @ForAll @Size(value = 5) List<@DoubleRange(min = 0.1, max = 10) Double> weights,
            @ForAll @IntRange(min = 1, max = 3_000) int cap) {
        var examples = new TreeMap<String, Map<String, Long>>();
        var weight = new TreeMap<String, Double>();
        for (int s = 0; s < counts.size(); s++) {
            var tasks = new TreeMap<String, Long>();
            counts.get(s).forEach(count -> tasks.put("t" + tasks.size(), (long) count));
            examples.put("s" + s, tasks);
            weight.put("s" + s, weights.get(s));
        }
        var taken = new Mixture(weight, cap, 1).take(examples);
        assertThat(taken.keySet()).isEqualTo(examples.keySet());
        double sum = weight.values().stream().mapToDouble(w -> w).sum();
        double total = taken.values().stream().mapToLong(MixtureTest::sum).sum();
        boolean oneIsWhole = false;
        for (String source : examples.keySet()) {
            var tasks = taken.get(source);
            tasks.forEach((task, count) -> assertThat(count)
                    .isBetween(0L, Math.min(cap, examples.get(source).get(task))));
            assertThat((double) sum(tasks)).isCloseTo(total * weight.get(source) / sum, within(1.0 + examples.size()));
            oneIsWhole |= tasks.entrySet().stream()
                    .allMatch(task -> task.getValue()
                            == Math.min(cap, examples.get(source).get(task.getKey())));
        }
        assertThat(oneIsWhole).isTrue();
    }

    private static long sum(Map<String, Long> tasks) {
        return tasks.values().stream().mapToLong(Long::longValue).sum();
    }

    @Test
    void sourcesAndWeightsMustFit() {
        var mixture = new Mixture(Map.of("CoT", 1.0), 1, 1);
        assertThatThrownBy(() -> mixture.take(Map.of("Cot", Map.of("a", 1L))))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("Did you mean CoT?");
        assertThatThrownBy(() -> mixture.take(Map.of()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("no examples");
        assertThatThrownBy(() -> new Mixture(Map.of("a", -1.0), 1, 1)).isInstanceOf(UserError.class);
        assertThatThrownBy(() -> new Mixture(Map.of(), 1, 1)).isInstanceOf(UserError.class);
    }
}

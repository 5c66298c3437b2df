package dev.uncurl.model.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExpertShareTest {
    /** Blocks of 5 and 8 experts, and two dense ones. */
    private static final ModelConfig UNEVEN = new ModelConfig(4, 4, 2, 6, 11, 5, new MoeConfig(8, 2, 2, true, 0, 0))
            .withMoeLayers(new TreeMap<>(Map.of(1, new MoeLayer(5), 3, new MoeLayer(8))));

    @Property(tries = 200)
    void partsHaveEachExpertOnceAndDifferByOneAtMost(
            @ForAll @IntRange(min = 1, max = 40) int parts, @ForAll @IntRange(min = 1, max = 200) int experts) {
        int next = 0;
        for (int part = 0; part < parts; part++) {
            var share = new ExpertShare(part, parts);
            assertThat(share.from(experts)).isEqualTo(next);
            next = share.to(experts);
            assertThat(next - share.from(experts)).isBetween(experts / parts, (experts + parts - 1) / parts);
        }
        assertThat(next).isEqualTo(experts);
    }

    @ParameterizedTest
    @CsvSource({"1", "2", "3", "5"})
    void aLayoutHasWhatAllHaveAndThenTheOwnExperts(int parts) {
        ParameterLayout whole = ParameterLayout.of(UNEVEN);
        var times = new HashMap<String, Integer>();
        for (int part = 0; part < parts; part++) {
            ParameterLayout own = ParameterLayout.of(UNEVEN, new ExpertShare(part, parts));
            long next = 0;
            for (ParameterLayout.Tensor tensor : own.tensors()) {
                assertThat(tensor.offset()).isEqualTo(next);
                assertThat(tensor.shape()).isEqualTo(whole.tensor(tensor.name()).shape());
                boolean common = parts == 1 || !tensor.name().contains(".experts.");
                assertThat(next < own.common()).isEqualTo(common);
                next += tensor.length();
                times.merge(tensor.name(), 1, Integer::sum);
            }
            assertThat(next).isEqualTo(own.length());
        }
        assertThat(times.keySet())
                .containsExactlyInAnyOrderElementsOf(whole.tensors().stream()
                        .map(ParameterLayout.Tensor::name)
                        .toList());
        times.forEach((name, count) -> assertThat(count).isEqualTo(name.contains(".experts.") ? 1 : parts));
    }

    /** Element by element, by the names of the tensors. */
    @Property(tries = 50)
    void rangesOfAPartAreThoseOfTheWholeModelInTheirOrder(
            @ForAll @IntRange(max = 2) int part,
            @ForAll @IntRange(max = 1000) int from,
            @ForAll @IntRange(max = 1500) int length) {
        ParameterLayout whole = ParameterLayout.of(UNEVEN);
        ParameterLayout own = ParameterLayout.of(UNEVEN, new ExpertShare(part, 3));
        long to = Math.min(own.length(), from + length);
        var expected = new ArrayList<Long>();
        for (ParameterLayout.Tensor tensor : own.tensors()) {
            for (long i = 0; i < tensor.length(); i++) {
                if (tensor.offset() + i >= from && tensor.offset() + i < to) {
                    expected.add(whole.tensor(tensor.name()).offset() + i);
                }
            }
        }
        List<ElementRange> ranges = own.in(whole, new ElementRange(from, to));
        var elements = new ArrayList<Long>();
        for (ElementRange range : ranges) {
            assertThat(range.length()).isPositive();
            for (long element = range.from(); element < range.to(); element++) {
                elements.add(element);
            }
        }
        assertThat(elements).isEqualTo(expected);
        for (int i = 1; i < ranges.size(); i++) {
            assertThat(ranges.get(i).from()).isNotEqualTo(ranges.get(i - 1).to());
        }
    }

    @ParameterizedTest
    @CsvSource({"4, 3, does not divide train.ranks", "6, 6, block 1 has only 5 experts"})
    void whatCannotBeDividedIsRefusedWithTheRemedy(int ranks, int parts, String reason) {
        assertThatThrownBy(() -> ExpertShare.check(UNEVEN, ranks, "train.ranks", parts, "train.expert-parallel"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("train.expert-parallel is " + parts)
                .hasMessageContaining(reason);
        ExpertShare.check(UNEVEN, 10, "train.ranks", 5, "train.expert-parallel");
    }

    @Test
    void aDenseModelCannotBeDivided() {
        var dense = new ModelConfig(2, 4, 2, 6, 11, 5, new MoeConfig(0, 1, 2, false, 0, 0));
        ExpertShare.check(dense, 2, "train.ranks", 1, "train.expert-parallel");
        assertThatThrownBy(() -> ExpertShare.check(dense, 2, "train.ranks", 2, "train.expert-parallel"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("no experts")
                .hasMessageContaining("Set train.expert-parallel to 1");
    }
}

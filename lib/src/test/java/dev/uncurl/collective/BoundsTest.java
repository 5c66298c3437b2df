package dev.uncurl.collective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;

class BoundsTest {
    @Property
    void evenSlicesCoverTheRangeAndDifferByOneAtMost(
            @ForAll @LongRange(min = 0, max = 1L << 40) long length, @ForAll @IntRange(min = 1, max = 600) int size) {
        long[] bounds = Bounds.even(length, size);
        Bounds.check(bounds, length, size);
        for (int rank = 0; rank < size; rank++) {
            assertThat(bounds[rank + 1] - bounds[rank]).isBetween(length / size, (length + size - 1) / size);
        }
    }

    @Test
    void slicesHaveTheirCounts() {
        assertThat(Bounds.of(new long[] {3, 0, 4})).containsExactly(0, 3, 3, 7);
        assertThatThrownBy(() -> Bounds.of(new long[] {3, -1})).hasMessageContaining("-1");
        assertThatThrownBy(() -> Bounds.check(new long[] {0, 5, 4, 6}, 6, 3)).hasMessageContaining("4 ascending");
    }
}

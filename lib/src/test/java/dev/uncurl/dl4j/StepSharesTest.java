package dev.uncurl.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import net.jqwik.api.Assume;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class StepSharesTest {
    @Property(tries = 300)
    void everySequenceHasOneRankAndIsCountedThere(
            @ForAll @IntRange(min = 1, max = 60) int batch,
            @ForAll @IntRange(min = 1, max = 9) int ranks,
            @ForAll @IntRange(min = 1, max = 9) int microBatch) {
        Assume.that(batch >= ranks);
        var shares = new StepShares(batch, ranks, microBatch);
        int[] counted = new int[ranks];
        for (int sequence = 0; sequence < batch; sequence++) {
            int rank = shares.rank(sequence);
            counted[rank]++;
            int first = sequence / (ranks * microBatch) * ranks * microBatch;
            // in a micro-step, the sequences of a rank come before those of the next one
            assertThat(sequence > first ? shares.rank(sequence - 1) : 0).isLessThanOrEqualTo(rank);
        }
        for (int rank = 0; rank < ranks; rank++) {
            int[] rows = shares.rows(rank);
            assertThat(rows).hasSize(shares.microSteps());
            assertThat(rows[0]).isPositive();
            assertThat(Arrays.stream(rows).max().orElseThrow()).isLessThanOrEqualTo(microBatch);
            assertThat(Arrays.stream(rows).sum()).isEqualTo(counted[rank]);
        }
    }

    @Test
    void sharesOfAMicroStepDifferByOneAtMost() {
        assertThat(new StepShares(8, 3, 8).rows(0)).containsExactly(2);
        assertThat(new StepShares(8, 3, 8).rows(1)).containsExactly(3);
        assertThat(new StepShares(8, 3, 8).rows(2)).containsExactly(3);
        assertThat(new StepShares(9, 4, 2).rows(0)).containsExactly(2, 0);
        assertThat(new StepShares(9, 4, 2).rows(3)).containsExactly(2, 1);
    }

    @Test
    void moreRanksThanSequencesAreRefused() {
        assertThatThrownBy(() -> new StepShares(3, 4, 1))
                .hasMessageContaining("3 sequences")
                .hasMessageContaining("4 ranks");
    }
}

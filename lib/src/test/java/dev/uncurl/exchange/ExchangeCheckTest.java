package dev.uncurl.exchange;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.kernel.device.EmulatedGpu;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("slow")
class ExchangeCheckTest {
    @BeforeEach
    void begin() {
        EmulatedGpu.reset();
        EmulatedGpu.machine(ExchangeCheck.RANKS);
    }

    @Test
    void everyOperationIsFoundToBeRightOnEachRankAndIsTimed() throws Exception {
        List<ExchangeCheck.Finding> findings =
                ExchangeCheck.run(rank -> EmulatedGpu.open(rank).processor(), 1000);
        assertThat(findings)
                .allMatch(ExchangeCheck.Finding::good)
                .extracting(ExchangeCheck.Finding::what)
                .contains("reduceScatter, rank 0", "allGather, rank 1", "broadcast, rank 0", "allToAll, rank 1")
                .hasSize(4 * ExchangeCheck.RANKS + 2);
        assertThat(EmulatedGpu.blocks()).isZero();
    }

    @Test
    void elementsWithOtherBitsAreCounted() {
        float[] expected = {1, 0, Float.NaN, 5};
        assertThat(ExchangeCheck.different(new float[] {2, -0f, Float.NaN, 6}, expected, 0, 3))
                .isEqualTo(2);
    }

    @Test
    void whatNcclCannotDoIsAnError() {
        EmulatedGpu.fail("ncclGroupEnd", 3);
        assertThatThrownBy(
                        () -> ExchangeCheck.run(rank -> EmulatedGpu.open(rank).processor(), 1000))
                .hasMessageContaining("NCCL failed in");
    }
}

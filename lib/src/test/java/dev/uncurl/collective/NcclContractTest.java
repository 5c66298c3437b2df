package dev.uncurl.collective;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.kernel.device.EmulatedGpu;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Exchanges between GPUs by NCCL, on emulated GPUs and a stand-in for NCCL: the contract of {@link Collectives}, and so its bits. */
@Tag("slow")
class NcclContractTest extends CollectivesContract {
    @BeforeEach
    void begin() {
        EmulatedGpu.reset();
    }

    @AfterEach
    void nothingIsLeft() {
        assertThat(EmulatedGpu.communicators()).isZero();
        assertThat(EmulatedGpu.blocks()).isZero();
    }

    @Override
    protected List<Collectives> open(int size, Duration deadline) throws Exception {
        return OnDevices.open(size, deadline);
    }

    /** That counts of an exchange of rows fit together is known before, and not checked. */
    @Test
    @Override
    void operationsThatDoNotFitTogetherAreReported() throws Exception {
        Crew.outcomes(open(2), ranks -> ranks.rank() == 1 ? ranks.gather(new long[1]) : ranks.sum(new double[1]))
                .forEach(one -> assertThat(one.failure()).hasMessageContainingAll("gather", "sum"));
    }
}

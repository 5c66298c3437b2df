package dev.uncurl.kernel.device;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** On an emulated GPU, whose events take the host's time. */
@Tag("slow")
class StopwatchTest {
    private static final long BYTES = 1 << 20;

    @Test
    void eachOperationIsTimedWithEventsThatAreUsedAgain() {
        EmulatedGpu.reset();
        try (var device = StandIn.open()) {
            try (var stopwatch = new Stopwatch(device, StandIn.libraries().driver())) {
                var metered = new MeteredDevice(device, stopwatch);
                long address = device.allocate(BYTES);
                for (int step = 0; step < 3; step++) {
                    metered.reset();
                    metered.zero(address, BYTES);
                    metered.zero(address, BYTES);
                    assertThat(StandIn.events()).isEqualTo(4);
                    double first = metered.sums().get("zero").seconds;
                    assertThat(first).isPositive();
                    assertThat(metered.sums().get("zero").seconds)
                            .as("counted once")
                            .isEqualTo(first);
                }
            }
            assertThat(StandIn.events()).isZero();
        }
    }
}

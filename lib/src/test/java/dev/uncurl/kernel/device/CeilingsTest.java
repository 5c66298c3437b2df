package dev.uncurl.kernel.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CeilingsTest {
    /** 3 TB/s, 50 and 400 TFLOP/s. */
    private static final Ceilings CEILINGS = new Ceilings(3e12, 50e12, 400e12);

    @ParameterizedTest
    @CsvSource({
        "'product, other', 4e12, 3e9, 0.02, 0.5", // 10 ms of operations in 20
        "'product, other', 4e9, 3e9, 0.002, 0.5", // 1 ms of bytes in 2
        "'product, router', 5e11, 3e9, 0.02, 0.5", // 10 ms of exact operations in 20
        "gelu_forward, 0, 24e9, 0.008, 1",
        "upload, 0, 24e9, 0.008, NaN"
    })
    void aKindIsHeldAgainstTheSlowerOfBytesAndOperations(
            String kind, double flops, double bytes, double seconds, double share) {
        var sum = new MeteredDevice.Sum();
        sum.flops = flops;
        sum.bytes = bytes;
        sum.seconds = seconds;
        if (Double.isNaN(share)) {
            assertThat(CEILINGS.share(kind, sum)).isNaN();
        } else {
            assertThat(CEILINGS.share(kind, sum)).isCloseTo(share, within(1e-12));
        }
    }
}

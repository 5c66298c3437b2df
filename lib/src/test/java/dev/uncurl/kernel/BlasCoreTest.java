package dev.uncurl.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.factory.Nd4j;

class BlasCoreTest {
    private static final String WIDE = "flags\t: fpu avx2 avx512f avx512cd avx512bw avx512dq avx512vl rdpid";

    @Test
    void anAmdProcessorWithAvx512IsGivenANameAndOthersAreDetected() {
        assertThat(BlasCore.chosen(null, List.of("vendor_id\t: AuthenticAMD", WIDE)))
                .hasValue("SKYLAKEX");
        assertThat(BlasCore.chosen(null, List.of("vendor_id\t: GenuineIntel", WIDE)))
                .isEmpty();
        assertThat(BlasCore.chosen(null, List.of("vendor_id\t: AuthenticAMD", WIDE.replace("avx512vl", ""))))
                .isEmpty();
        assertThat(BlasCore.chosen(null, List.of())).isEmpty();
    }

    @Test
    void aGivenNameStays() {
        assertThat(BlasCore.chosen("HASWELL", List.of("vendor_id\t: AuthenticAMD", WIDE)))
                .hasValue("HASWELL");
        assertThat(BlasCore.chosen(" ", List.of())).isEmpty();
    }

    /** In this process, whoever used ND4J first in it. */
    @Test
    void openBlasUsesTheNameThatItWasGiven() {
        Nd4j.getBlasWrapper();
        String used = BlasCore.inUse();
        assertThat(used).matches("[A-Za-z0-9_]+").isNotEqualTo("unknown");
        BlasCore.requested()
                .ifPresent(core -> assertThat(used.toUpperCase(Locale.ROOT)).isEqualTo(core));
    }
}

package dev.uncurl.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.uncurl.kernel.BlasCore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ProductSpeedTest {
    @Test
    void aProcessMeasuresAPositiveNumberAndNamesItsKernels() {
        ProductSpeed speed = ProductSpeed.here();
        assertThat(speed.gigaflops()).isPositive().isFinite();
        assertThat(speed.blasCore()).isEqualTo(BlasCore.inUse());
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, -1, Double.NaN, Double.POSITIVE_INFINITY})
    void otherNumbersAreNoSpeed(double gigaflops) {
        assertThatIllegalArgumentException().isThrownBy(() -> new ProductSpeed("Haswell", gigaflops));
    }
}

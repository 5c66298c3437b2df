package dev.uncurl.kernel.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.DeviceFailedException;
import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.kernel.Matrix;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;

/** That the products are right, {@link DeviceKernelsTest} tests. */
class Bf16ProductsTest {
    private static final int INNER = 16;
    private static final int COLUMNS = 24;

    private CudaDevice device;
    private DeviceKernels kernels;

    @BeforeAll
    static void needsACompiler() {
        CompilerForTests.require();
    }

    @BeforeEach
    void open() {
        device = StandIn.open(CudaDevice.source(), CudaDevice.Precision.BF16);
        kernels = new DeviceKernels(device);
    }

    @AfterEach
    void close() {
        kernels.close();
        device.close();
    }

    /** Products of two groups with so many rows. */
    private float[] product(int first, int second) {
        int rows = first + second;
        try (FlatMemory memory = kernels.scratch(DataType.FLOAT, 1 << 16)) {
            Matrix a = random(memory, 0, rows, INNER);
            List<Matrix> b = List.of(random(memory, 1 << 14, INNER, COLUMNS), random(memory, 1 << 15, INNER, COLUMNS));
            Matrix c = memory.matrix(3 << 14, rows, COLUMNS);
            kernels.matrixProduct().grouped().rows(new int[] {0, first, rows}, a, b, false, c);
            var result = new float[rows * COLUMNS];
            c.read(result);
            return result;
        }
    }

    private static Matrix random(FlatMemory memory, long offset, int rows, int columns) {
        var random = new Random(offset);
        var values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        Matrix matrix = memory.matrix(offset, rows, columns);
        matrix.write(values);
        return matrix;
    }

    @Test
    void anAlgorithmIsChosenOnceForAboutTheSameSize() {
        product(130, 131);
        product(200, 256);
        assertThat(StandIn.chosen()).isEqualTo(1);
        product(257, 17);
        assertThat(StandIn.chosen()).isEqualTo(3);
        product(300, 32);
        assertThat(StandIn.chosen()).isEqualTo(3);
    }

    @ParameterizedTest
    @CsvSource({"cublasLtMatmulAlgoGetHeuristic,15", "cublasLtMatmul,15", "cublasLtMatmul,7"})
    void whatTheLibraryRefusesIsComputedByCuBlas(String function, int status) {
        float[] expected = product(20, 40);
        kernels.close();
        device.close();
        open();
        StandIn.fail(function, status);
        assertThat(product(20, 40)).isEqualTo(expected);
    }

    @Test
    void aProductThatFailsIsAFailureOfTheGpu() {
        StandIn.fail("cublasLtMatmul", 13);
        assertThatThrownBy(() -> product(20, 40))
                .isInstanceOf(DeviceFailedException.class)
                .hasMessageContaining("a product 20 x 24 x 16: cuBLAS status 13");
    }

    @Test
    void cuBlasLtThatDoesNotStartIsAnError() {
        kernels.close();
        device.close();
        StandIn.reset();
        StandIn.fail("cublasLtMatmulDescCreate", 14);
        assertThatThrownBy(
                        () -> CudaDevice.open(StandIn.libraries(), 0, CudaDevice.Precision.BF16, CudaDevice.source()))
                .isInstanceOf(DeviceFailedException.class)
                .hasMessageContaining("describe a product: cuBLAS status 14");
        open();
    }
}

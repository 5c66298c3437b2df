package dev.uncurl.kernel.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;

/** Tests of the tests: {@code kernels.cu} with a fault does not pass {@link DeviceKernelsTest}. */
@Tag("slow")
class PlantedFaultTest {
    private static Map<String, double[]> expected;

    @BeforeAll
    static void needsACompiler() {
        CompilerForTests.require();
        expected = DeviceKernelsTest.expected();
    }

    /** @param occurrence which of the places of {@code text} to change, from 1; NEXT is the beginning of the next line */
    private static String plant(String line, String replacement, int occurrence) {
        String source = CudaDevice.source();
        String text = line.replace(" NEXT ", "\n    ");
        int at = -1;
        for (int i = 0; i < occurrence; i++) {
            at = source.indexOf(text, at + 1);
            assertThat(at).as("place %d of %s", i + 1, text).isNotNegative();
        }
        return source.substring(0, at) + replacement + source.substring(at + text.length());
    }

    private static boolean detected(CudaDevice device, String prefix) {
        for (boolean backwards : new boolean[] {false, true}) {
            StandIn.threads(64, backwards);
            for (var entry : KernelScenarios.all().entrySet()) {
                boolean product = entry.getKey().startsWith("product"); // not of kernels.cu
                boolean asked = entry.getKey().startsWith(prefix) && !product;
                if (asked && !rightAnswer(device, entry.getKey(), entry.getValue())) {
                    return true;
                }
            }
        }
        return false;
    }

    /** An access outside a matrix shows when its memory is released, or as the failure of a copy. */
    private static boolean rightAnswer(CudaDevice device, String name, KernelScenarios.Scenario scenario) {
        try (var kernels = new DeviceKernels(device)) {
            double[] actual = KernelScenarios.run(scenario, kernels, DataType.FLOAT);
            return DeviceKernelsTest.difference(actual, expected.get(name)) < DeviceKernelsTest.TOLERANCE;
        } catch (IllegalStateException e) {
            return false;
        }
    }

    @ParameterizedTest(name = "{0} -> {1} ({2})")
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    __syncthreads(); // part may still be read by an earlier call | | 1
                    __syncthreads(); NEXT T sum | T sum | 1
                    __syncthreads(); NEXT float largest | float largest | 1
                    __syncthreads(); NEXT addStrips(sums | addStrips(sums | 1
                    __syncthreads(); NEXT addStrips(gains | addStrips(gains | 1
                    __syncthreads(); // the target's logit has been read | | 1
                    int seen = before + query + 1; | int seen = before + query; | 1
                    int seen = before + query + 1; | int seen = query + 1; | 1
                    c <= query; c += | c < query; c += | 1
                    c <= query ? probabilities | c < query ? probabilities | 1
                    - sum - normalized * product | - normalized * product | 1
                    if (columns > KEPT_OF_ROW) | if (false) | 1
                    if (columns > KEPT_OF_ROW) | if (false) | 2
                    from >= 0 && c | from >= 1 && c | 1
                    i < start[group + 1] | i < start[group + 1] - 1 | 1
                    all += sums[strip][c] | all = sums[strip][c] | 1
                    sum[j] += in[0][j] + in[1][j] | sum[j] += in[0][j] | 1
                    - (c == target ? scale : 0.0f) | | 1
                    first < leading; first += | first < columns; first += | 1
                    sum *= expf(mine - most); | | 1
                    sum * expf(mine - largest) | sum | 1
                    logits + row * leading | logits + row * columns | 1
                    c < columns; c += | c <= columns; c += | 1
                    + decay * parameters[i] | | 1
                    r < end && c < columns ? x[ | r < rows && c < columns ? x[ | 1
                    strip < blockDim.x / WARP; strip++ | strip < blockDim.x / WARP - 1; strip++ | 1
                    given.at[i] | given.at[0] | 1
                    i < count; i += | i < count - 1; i += | 1
                    """)
    void aFaultIsDetected(String text, String replacement, int occurrence) {
        String source = plant(text, replacement == null ? "" : replacement, occurrence);
        try (var device = StandIn.open(source)) {
            assertThat(detected(device, "")).isTrue();
        }
    }

    @ParameterizedTest(name = "{0} -> {1} ({2})")
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    __syncthreads(); // the tiles before have been read | | 1
                    __syncthreads(); // the tiles before have been read | | 2
                    __syncthreads(); // the tiles before have been read | | 3
                    *score = column <= row | *score = column < row | 1
                    bool seen = column <= row | bool seen = column < row | 1
                    bool seen = row + i % 4 / 2 * 8 <= from | bool seen = row <= from | 1
                    * scale : LEAST | : LEAST | 1
                    *= factor; | *= 1; | 1
                    total[half] * factor + | total[half] + | 1
                    *= d[i / 4][i % 4] - dot[column] | *= d[i / 4][i % 4] | 1
                    row < rows && column < size; | row < rows; | 1
                    from <= first; | from < first; | 1
                    """)
    void aFaultOfAttentionInTensorCoresIsDetected(String text, String replacement, int occurrence) {
        String source = plant(text, replacement == null ? "" : replacement, occurrence);
        try (var device = StandIn.open(source, CudaDevice.Precision.TF32)) {
            assertThat(detected(device, "attention [")).isTrue();
        }
    }

    @ParameterizedTest(name = "{0} -> {1} ({2})")
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    2 * step + lane / 16)); | 2 * step)); | 1
                    2 * step + lane / 8 % 2)); | 2 * step)); | 1
                    step * 16 + lane % 16, n + lane / 16 | step * 16 + lane % 16, n | 1
                    bf16Pair(right[0], right[1]) | bf16Pair(right[1], right[0]) | 1
                    waitForCopies<1>(); | waitForCopies<2>(); | 1
                    waitForCopies<1>(); | waitForCopies<2>(); | 2
                    waitForCopies<1>(); | waitForCopies<2>(); | 3
                    waitForCopies<0>(); | waitForCopies<1>(); | 1
                    waitForCopies<0>(); | waitForCopies<1>(); | 2
                    waitForCopies<0>(); | waitForCopies<1>(); | 3
                    __syncthreads(); // the tiles are there, and those before have been read | | 1
                    __syncthreads(); // the tiles are there, and those before have been read | | 2
                    __syncthreads(); // the tiles are there, and those before have been read | | 3
                    row < rows && chunk * CHUNK < size; | row < rows; | 1
                    row < rows && chunk * CHUNK < size; | chunk * CHUNK < size; | 1
                    column <= row + i % 4 / 2 * 8 ? s | column < row + i % 4 / 2 * 8 ? s | 1
                    column <= row + 8 * half; | column < row + 8 * half; | 2
                    bool seen = row + i % 4 / 2 * 8 <= from | bool seen = row + i % 4 / 2 * 8 < from | 2
                    *= factor; | *= 1; | 2
                    total[half] * factor + | total[half] + | 2
                    column < size; column += 2 * CHUNK | column < CHUNK; column += 2 * CHUNK | 1
                    copyAsync<4>(&dot[threadIdx.x], dots + at, there); | | 1
                    *= d[i / 4][i % 4] - dot[stage][column] | *= d[i / 4][i % 4] | 1
                    bf16Pair(pair.x, pair.y); | bf16Pair(pair.y, pair.x); | 1
                    (i64) blockIdx.x * ROUNDED | 0 | 1
                    rounded[i] = bf16(parameters[i]); | rounded[i] = bf16(parameters[i] + update); | 1
                    rounded[i] = bf16(parameters[i]); | | 1
                    first < end; first += UNDER_WAY * blockDim.x | first < from + blockDim.x; first += UNDER_WAY * blockDim.x | 1
                    rounded[at] = bf16(gelu); | | 1
                    rounded[row * columns + c] = bf16(normed); | rounded[row * columns + c] = bf16(kept[i]); | 1
                    """)
    void aFaultOfBfloat16IsDetected(String text, String replacement, int occurrence) {
        String source = plant(text, replacement == null ? "" : replacement, occurrence);
        try (var device = StandIn.open(source, CudaDevice.Precision.BF16)) {
            assertThat(KernelScenarios.all().entrySet().stream()
                            .filter(entry -> entry.getKey().matches("(attention \\[|head|product|rounded).*"))
                            .anyMatch(entry -> !withinBound(device, entry.getKey(), entry.getValue())))
                    .isTrue();
        }
    }

    private static boolean withinBound(CudaDevice device, String name, KernelScenarios.Scenario scenario) {
        try (var kernels = new DeviceKernels(device)) {
            double[] actual = KernelScenarios.run(scenario, kernels, DataType.FLOAT);
            return DeviceKernelsTest.partOfNorm(actual, expected.get(name)) < 2 * DeviceKernelsTest.BF16_TOLERANCE;
        } catch (IllegalStateException e) {
            return false;
        }
    }
}

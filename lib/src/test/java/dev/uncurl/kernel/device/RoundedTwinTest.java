package dev.uncurl.kernel.device;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.model.spec.ModelConfig;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Copies in bfloat16 in whole models on an emulated GPU. */
@Tag("slow")
class RoundedTwinTest {
    @BeforeAll
    static void needsACompiler() {
        CompilerForTests.require();
    }

    static Iterable<String> names() {
        return ModelRun.configs().keySet();
    }

    /** Training and scoring passes, then two steps. */
    private static CheckedOperands run(CudaDevice gpu, String name) {
        ModelConfig config = ModelRun.configs().get(name);
        var device = new CheckedOperands(gpu);
        try (var kernels = device.kernels();
                var run = new ModelRun(kernels, config)) {
            run.passes();
            run.step(0);
            run.step(1);
        }
        return device;
    }

    @ParameterizedTest
    @MethodSource("names")
    void eachOperandOfEachProductIsItsMatrixAsItIsThen(String name) {
        try (var gpu = StandIn.open(CudaDevice.source(), CudaDevice.Precision.BF16)) {
            CheckedOperands device = run(gpu, name);
            assertThat(device.checked()).isGreaterThan(100);
            assertThat(device.wrong()).isZero();
            assertThat(StandIn.blocks()).as("blocks of memory left behind").isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"rounded[at] = bf16(gelu);", "rounded[at] = bf16(gradient);", "rounded[i] = bf16(parameters[i]);"
            })
    void aCopyThatAKernelDoesNotWriteIsFound(String write) {
        String source = CudaDevice.source();
        assertThat(source).contains(write);
        try (var gpu = StandIn.open(source.replace(write, ""), CudaDevice.Precision.BF16)) {
            assertThat(run(gpu, "dense").wrong()).isPositive();
        }
    }
}

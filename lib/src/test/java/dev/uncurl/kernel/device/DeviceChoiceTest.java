package dev.uncurl.kernel.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import dev.uncurl.processor.DeviceChoice;
import dev.uncurl.processor.Processor;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Where a task computes, by the setting, the GPU that it has been given, and what its machine has. */
@Tag("slow")
class DeviceChoiceTest {
    @TempDir
    private Path empty;

    private static Processor open(DeviceChoice choice, String address, boolean local, int task) {
        return choice.open(address, local, task, "fp32");
    }

    private static void librariesIn(Path folder) {
        System.setProperty(CudaLibraries.FOLDER, folder.toString());
    }

    @AfterEach
    void forget() {
        System.clearProperty(CudaLibraries.FOLDER);
    }

    @ParameterizedTest
    @CsvSource({
        "CPU, '', false, device = cpu",
        "CPU, 0, false, device = cpu",
        "CPU, '', true, device = cpu",
        "AUTO, '', false, 'device = auto, the task has no GPU'",
        "AUTO, '', true, 'device = auto, the task has no GPU'",
        "AUTO, 0, false, 'device = auto, the task''s GPU cannot be used: This machine has no NVIDIA driver'",
    })
    void theCpuComputes(DeviceChoice choice, String address, boolean local, String reason) {
        librariesIn(empty);
        try (Processor processor = open(choice, address, local, 0)) {
            assertThat(processor.isHost()).isTrue();
            assertThat(processor.kind()).isEqualTo("CPU");
            assertThat(processor.reason()).startsWith(reason);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "'', false, Spark has given this task no GPU, spark.executor.resource.gpu.amount",
        "0, false, This machine has no NVIDIA driver, or use the CPU",
        "'', true, This machine has no NVIDIA driver, or use the CPU",
        "MIG-7f2a, false, 'The address of this task''s GPU is MIG-7f2a, not a number', conf/spark/gpu-discovery.sh",
    })
    void cudaWithoutAGpuIsRefusedWithTheRemedy(String address, boolean local, String what, String remedy) {
        librariesIn(empty);
        assertThatThrownBy(() -> open(DeviceChoice.CUDA, address, local, 0))
                .isInstanceOf(UserError.class)
                .hasMessageContainingAll(what, remedy)
                .extracting(error -> ((UserError) error).kind())
                .isEqualTo(UserError.Kind.USAGE);
    }

    @Test
    void theTasksGpuComputesOrInLocalModeOneAfterAnother() {
        CompilerForTests.require();
        StandIn.reset();
        librariesIn(StandIn.folder());
        StandIn.machine(2, 9, 13000);
        try (Processor given = open(DeviceChoice.AUTO, "1", false, 0);
                Processor wanted = open(DeviceChoice.CUDA, "0", false, 5);
                Processor fifth = open(DeviceChoice.CUDA, "", true, 5)) {
            assertThat(given.isHost()).isFalse();
            assertThat(given.name()).isEqualTo("GPU 1 (stand-in)");
            assertThat(given.reason()).isEqualTo("device = auto, the task has a GPU");
            assertThat(wanted.name()).isEqualTo("GPU 0 (stand-in)");
            assertThat(fifth.name()).isEqualTo("GPU 1 (stand-in)");
            assertThat(given.kind())
                    .isEqualTo(wanted.kind())
                    .isEqualTo("GPU (stand-in), driver for CUDA 13.0, NVRTC 13.0, products in FP32");
        }
        assertThatThrownBy(() -> open(DeviceChoice.CUDA, "2", false, 0)).hasMessageContaining("There is no GPU 2");
        StandIn.reset();
    }

    @Test
    void aSettingIsReadInAnyCaseAndAnUnknownOneIsRefused() {
        assertThat(DeviceChoice.read(DeviceChoice.class, "a", "Cuda")).isEqualTo(DeviceChoice.CUDA);
        assertThat(DeviceChoice.read(CudaDevice.Precision.class, "a", "tf32")).isEqualTo(CudaDevice.Precision.TF32);
        assertThatThrownBy(() -> DeviceChoice.read(DeviceChoice.class, "spark.uncurl.device", "gpu"))
                .isInstanceOf(UserError.class)
                .hasMessageContainingAll("spark.uncurl.device = gpu", "auto or cpu or cuda");
    }
}

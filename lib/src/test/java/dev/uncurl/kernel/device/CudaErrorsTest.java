package dev.uncurl.kernel.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.jna.NativeLibrary;
import dev.uncurl.error.DeviceFailedException;
import dev.uncurl.error.UserError;
import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.kernel.device.CudaDevice.Precision;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;

/** What a user reads when a GPU cannot be used, or fails. */
@Tag("slow")
class CudaErrorsTest {
    @BeforeEach
    void needsACompiler() {
        CompilerForTests.require();
        StandIn.libraries();
        StandIn.reset();
    }

    private static void refused(CudaLibraries libraries, int ordinal, String source, String... message) {
        assertThatThrownBy(() -> CudaDevice.open(libraries, ordinal, Precision.FP32, source))
                .isInstanceOfSatisfying(UserError.class, e -> {
                    assertThat(e.kind()).isEqualTo(UserError.Kind.USAGE);
                    assertThat(e.getMessage()).contains(message);
                });
    }

    private static void refused(String... message) {
        refused(StandIn.libraries(), 0, CudaDevice.source(), message);
    }

    @Test
    void withoutADriverThePlacesAreNamed(@TempDir Path empty) {
        var libraries = new CudaLibraries(List.of(empty), true);
        refused(libraries, 0, "", "no NVIDIA driver", "libcuda.so.1", empty.toString(), "use the CPU");
    }

    @Test
    void withoutCuBlasOrNvrtcTheRemedyIsToInstallThem(@TempDir Path some) throws IOException {
        Path folder = StandIn.libraries().driver().getFile().toPath().getParent();
        Files.createSymbolicLink(some.resolve("libcuda.so.1"), folder.resolve("libcuda.so.1"));
        var libraries = new CudaLibraries(List.of(some), true);
        refused(libraries, 0, "", "libnvrtc.so of CUDA 12 or 13 is not in " + some, "CUDA_HOME", "use the CPU");
        Files.createSymbolicLink(some.resolve("libnvrtc.so.12"), folder.resolve("libcuda.so.1"));
        refused(libraries, 0, "", "libcublas.so of CUDA 12 or 13 is not in", "nvidia-cublas-cu12");
        Files.createSymbolicLink(some.resolve("libcublas.so.12"), folder.resolve("libcuda.so.1"));
        CudaDevice.open(libraries, 0, Precision.FP32, CudaDevice.source()).close();
    }

    @Test
    void withoutNcclThePlacesAndTheRemedyAreNamed(@TempDir Path empty) {
        assertThatThrownBy(new CudaLibraries(List.of(empty), true)::nccl)
                .isInstanceOf(UserError.class)
                .hasMessageContainingAll("libnccl.so.2 is not in " + empty, "pip install nvidia-nccl-cu13");
    }

    @Test
    void aDamagedLibraryIsNamed(@TempDir Path some) throws IOException {
        Path folder = StandIn.libraries().driver().getFile().toPath().getParent();
        Files.createSymbolicLink(some.resolve("libcuda.so.1"), folder.resolve("libcuda.so.1"));
        Files.writeString(some.resolve("libnvrtc.so.13"), "not a library");
        var libraries = new CudaLibraries(List.of(some), true);
        refused(libraries, 0, "", some.resolve("libnvrtc.so.13") + " cannot be loaded", "Repair");
    }

    /** Machine code of a newer NVRTC is not for an older driver. */
    @Test
    void librariesNewerThanTheDriverAreNotTaken() {
        StandIn.machine(1, 9, 12040);
        refused("of CUDA 12 is not in", "Install it");
        StandIn.machine(1, 9, 11080);
        refused("supports CUDA 11", "Install driver 525");
    }

    @Test
    void theFoldersAreThoseOfToolkitsAndPackagesOfPip(@TempDir Path root) throws IOException {
        Path bin = Files.createDirectories(root.resolve("env/bin"));
        Files.createFile(bin.resolve("python3"));
        assertThat(bin.resolve("python3").toFile().setExecutable(true)).isTrue();
        Path packages = root.resolve("env/lib/python3.12/site-packages/nvidia");
        for (String part : new String[] {"cu13", "cublas"}) {
            Files.createDirectories(packages.resolve(part).resolve("lib"));
        }
        var folders = CudaLibraries.folders(
                Map.of("CUDA_HOME", root.resolve("toolkit").toString(), "PATH", "/nowhere:" + bin));
        assertThat(folders)
                .contains(packages.resolve("cu13/lib"), packages.resolve("cublas/lib"))
                .startsWith(root.resolve("toolkit/lib64"));
        assertThat(CudaLibraries.folders(Map.of())).contains(Path.of("/usr/local/cuda/lib64"));
    }

    @Test
    void withoutAGpuOrWithAnotherNumberTheCountIsNamed() {
        StandIn.fail("cuInit", Cuda.NO_DEVICE);
        refused("sees no NVIDIA GPU: CUDA_ERROR_NO_DEVICE", "nvidia-smi");
        StandIn.fail("cuInit", 999);
        refused("does not start: error 999", "nvidia-smi");
        StandIn.machine(2, 9, 13000);
        refused(StandIn.libraries(), 2, "", "no GPU 2: this process sees 2", "from 0 to 1");
        refused(StandIn.libraries(), -1, "", "no GPU -1");
        StandIn.machine(1, 6, 13000);
        refused("compute capability 6.0, the kernels need 8.0", "Ampere");
    }

    @Test
    void aCompilersMessageIsPassedOn() {
        refused(StandIn.libraries(), 0, "__global__ void gather( {", "cannot compile the kernels", "kernels.cu:1");
    }

    @Test
    void aGpuThatTheCompilerDoesNotKnowGetsCodeThatTheDriverTranslates() {
        StandIn.fail("nvrtcCompileProgram", 5);
        try (var device = StandIn.open()) {
            assertThat(device.name()).isEqualTo("GPU 0 (stand-in)");
        }
    }

    @Test
    void cuBlasThatDoesNotStartIsExplained() {
        StandIn.fail("cublasCreate_v2", CuBlas.NOT_INITIALIZED);
        refused("cuBLAS does not start (status 1)", "are free", "nvidia-smi");
    }

    @Test
    void tooLittleMemoryIsSaidWithWhatIsFree() {
        try (var device = StandIn.open();
                var kernels = new DeviceKernels(device)) {
            StandIn.limit(10_000_000);
            try (FlatMemory some = kernels.allocate(DataType.FLOAT, 1_000_000)) {
                assertThatThrownBy(() -> kernels.allocate(DataType.FLOAT, 2_000_000))
                        .isInstanceOf(UserError.class)
                        .hasMessageContaining("no room for another 8.0 MB: 6.0 MB of 10.0 MB are free")
                        .hasMessageContaining("batch");
                some.matrix(0, 1, 5).zero();
            }
        }
    }

    /** Kernels run while the host goes on: an error of the GPU shows where the host waits, in the same step. */
    @Test
    void anErrorOfTheGpuShowsInTheStepInWhichItHappens() {
        try (var device = StandIn.open();
                var kernels = new DeviceKernels(device);
                FlatMemory memory = kernels.allocate(DataType.FLOAT, 8)) {
            StandIn.fail("kernel", 214);
            kernels.bias().add(memory.matrix(0, 1, 4), memory.matrix(4, 1, 4));
            assertThatThrownBy(() -> memory.matrix(0, 1, 4).read(new float[4]))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("GPU 0 (stand-in) failed")
                    .hasMessageContaining("CUDA_ERROR_ECC_UNCORRECTABLE")
                    .hasMessageContaining("dmesg");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {11, 13, 14})
    void aProductThatTheGpuCannotComputeIsAnErrorOfTheGpu(int status) {
        try (var device = StandIn.open();
                var kernels = new DeviceKernels(device);
                FlatMemory memory = kernels.allocate(DataType.FLOAT, 12)) {
            StandIn.fail("cublasGemmStridedBatchedEx", status);
            assertThatThrownBy(() -> kernels.matrixProduct()
                            .multiply(
                                    memory.matrix(0, 2, 2),
                                    false,
                                    memory.matrix(4, 2, 2),
                                    false,
                                    0,
                                    memory.matrix(8, 2, 2)))
                    .isInstanceOf(DeviceFailedException.class)
                    .hasMessageContaining("GPU 0 (stand-in) failed: a product 2 x 2 x 2: cuBLAS status " + status);
        }
    }

    /** As cuBLAS before CUDA 12.5. */
    @Test
    void aLibraryWithoutGroupedProductsIsRecognised() {
        assertThat(CuBlasGrouped.isIn(NativeLibrary.getInstance("libm.so.6"))).isFalse();
    }

    @Test
    void groupedProductsThatTheGpuCannotComputeAreAnErrorOfTheGpu() {
        try (var device = StandIn.open();
                var kernels = new DeviceKernels(device);
                FlatMemory memory = kernels.allocate(DataType.FLOAT, 16)) {
            StandIn.fail("cublasGemmGroupedBatchedEx", 13);
            List<Matrix> weights = List.of(memory.matrix(8, 1, 2), memory.matrix(10, 1, 2));
            assertThatThrownBy(() -> kernels.matrixProduct()
                            .grouped()
                            .rows(new int[] {0, 1, 2}, memory.matrix(0, 2, 1), weights, false, memory.matrix(12, 2, 2)))
                    .isInstanceOf(DeviceFailedException.class)
                    .hasMessageContaining("GPU 0 (stand-in) failed: 2 products together: cuBLAS status 13");
        }
    }

    @Test
    void aClosedDeviceSaysSo() {
        var device = StandIn.open();
        device.close();
        device.close();
        assertThatThrownBy(device::synchronize)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
    }
}

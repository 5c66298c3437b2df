package dev.uncurl.kernel.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code kernels.cu} is CUDA that NVIDIA's compiler takes, which the emulator cannot tell. Needs no GPU. */
@Tag("slow")
class KernelsCompileTest {
    @ParameterizedTest
    @ValueSource(strings = {"sm_80", "sm_86", "sm_90", "compute_80"})
    void theKernelsCompile(String architecture, @TempDir Path folder) throws Exception {
        boolean ptx = architecture.startsWith("compute");
        byte[] code = nvcc(architecture, folder);
        if (code == null) {
            code = nvrtc(architecture);
        }
        String text = new String(code, StandardCharsets.ISO_8859_1);
        assertThat(text).contains(ptx ? ".target" : "ELF");
        for (DeviceFunction function : DeviceFunction.values()) {
            assertThat(text).contains(function.symbol());
        }
    }

    /** Null without nvcc. */
    private static byte[] nvcc(String architecture, Path folder) throws Exception {
        Path source = Files.writeString(folder.resolve("kernels.cu"), CudaDevice.source());
        Path log = folder.resolve("log");
        Path out = folder.resolve("out");
        String kind = architecture.startsWith("compute") ? "-ptx" : "-cubin";
        Process process;
        try {
            process = new ProcessBuilder(
                            "nvcc",
                            kind,
                            "-arch=" + architecture,
                            "-Werror",
                            "all-warnings",
                            "-o",
                            out.toString(),
                            source.toString())
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile())
                    .start();
        } catch (IOException notThere) {
            return null;
        }
        assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
        assertThat(process.exitValue()).as(Files.readString(log)).isZero();
        return Files.readAllBytes(out);
    }

    private static byte[] nvrtc(String architecture) {
        try {
            Nvrtc.bind(CudaLibraries.here().open("nvrtc", 13));
        } catch (RuntimeException e) {
            Assumptions.abort("Neither nvcc nor NVRTC is here, so kernels.cu was not compiled for " + architecture
                    + ": " + e.getMessage());
        }
        var image = Nvrtc.compile(CudaDevice.source(), architecture, false);
        return image.getByteArray(0, (int) image.size());
    }
}

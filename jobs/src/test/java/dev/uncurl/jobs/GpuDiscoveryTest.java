package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.spark.resource.ResourceInformation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** conf/spark/gpu-discovery.sh with an nvidia-smi of the test. Spark's own reader is the oracle of its output. */
class GpuDiscoveryTest {
    private static final String TWO =
            "GPU 0: NVIDIA A100-SXM4-80GB (UUID: GPU-aa11)\nGPU 1: NVIDIA A100-SXM4-80GB (UUID: GPU-bb22)\n";

    private static final String INSTANCES = "GPU 0: NVIDIA A100-SXM4-80GB (UUID: GPU-aa11)\n"
            + "  MIG 3g.40gb     Device  0: (UUID: MIG-cc33)\n  MIG 3g.40gb     Device  1: (UUID: MIG-dd44)\n";

    @TempDir
    private Path folder;

    private record Said(int code, String out, String error) {
        String[] addresses() {
            assertThat(code).as(error).isZero();
            ResourceInformation read = ResourceInformation.parseJson(out);
            assertThat(read.name()).isEqualTo("gpu");
            return read.addresses();
        }
    }

    /** @param listed what nvidia-smi lists; null: there is none */
    private Said discover(String listed, int code, String visible) throws IOException, InterruptedException {
        Path bin = Files.createDirectories(folder.resolve("bin"));
        for (String tool : new String[] {"bash", "grep", "cat"}) {
            Path link = bin.resolve(tool);
            if (!Files.exists(link)) {
                Files.createSymbolicLink(link, tool(tool));
            }
        }
        if (listed != null) {
            Files.writeString(folder.resolve("listed"), listed);
            Path smi = Files.writeString(
                    bin.resolve("nvidia-smi"),
                    "#!" + tool("bash") + "\n[[ $1 == -L ]] && cat " + folder.resolve("listed") + "\nexit " + code
                            + "\n");
            assertThat(smi.toFile().setExecutable(true)).isTrue();
        }
        var builder = new ProcessBuilder(
                        tool("bash").toString(),
                        Path.of("../conf/spark/gpu-discovery.sh").toRealPath().toString())
                .redirectOutput(folder.resolve("out").toFile())
                .redirectError(folder.resolve("error").toFile());
        builder.environment().put("PATH", bin.toString());
        builder.environment().remove("CUDA_VISIBLE_DEVICES");
        if (visible != null) {
            builder.environment().put("CUDA_VISIBLE_DEVICES", visible);
        }
        int ended = builder.start().waitFor();
        return new Said(ended, read("out"), read("error"));
    }

    private String read(String name) throws IOException {
        return Files.readString(folder.resolve(name), StandardCharsets.UTF_8);
    }

    private static Path tool(String name) {
        Path usual = Path.of("/usr/bin", name);
        return Files.exists(usual) ? usual : Path.of("/bin", name);
    }

    @Test
    void allGpusAreListedInOrder() throws Exception {
        assertThat(discover(TWO, 0, null).addresses()).containsExactly("0", "1");
    }

    /** Addresses count what a process sees; an unknown GPU hides itself and all after it, as in CUDA. */
    @ParameterizedTest
    @CsvSource({"'1', 1", "'1,0', 2", "'0, 1', 2", "GPU-bb22, 1", "'0,7,1', 1", "'GPU-aa11,GPU-bb22', 2"})
    void visibleDevicesAreCounted(String visible, int count) throws Exception {
        assertThat(discover(TWO, 0, visible).addresses()).hasSize(count).startsWith("0");
    }

    @Test
    void aProcessSeesOneInstanceOfMig() throws Exception {
        assertThat(discover(INSTANCES, 0, "MIG-dd44").addresses()).containsExactly("0");
        Said first = discover(INSTANCES, 0, null);
        assertThat(first.addresses()).containsExactly("0");
        assertThat(first.error).contains("of 2 MIG instances", "CUDA_VISIBLE_DEVICES=MIG-");
    }

    @ParameterizedTest
    @CsvSource(
            nullValues = "none",
            value = {
                "none, 0, none, there is no nvidia-smi on PATH",
                "NVIDIA-SMI has failed: no driver, 9, none, nvidia-smi -L failed: NVIDIA-SMI has failed",
                "No devices were found, 0, none, lists no GPU: No devices were found",
                "GPU 0: a card (UUID: GPU-aa11), 0, '', hides all of the 1 GPUs",
                "GPU 0: a card (UUID: GPU-aa11), 0, 3, hides all of the 1 GPUs",
            })
    void withoutAGpuTheCodeIsOneAndTheMessageSaysWhy(String listed, int code, String visible, String message)
            throws Exception {
        Said said = discover(listed, code, visible);
        assertThat(said.code).isEqualTo(1);
        assertThat(said.out).isEmpty();
        assertThat(said.error).startsWith("gpu-discovery.sh: ").contains(message);
    }
}

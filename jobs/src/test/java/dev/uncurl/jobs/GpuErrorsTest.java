package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.jobs.spark.GpuStage;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.kernel.device.EmulatedGpu;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.SparkEnv;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a user of a command reads when its GPU cannot be used, or fails: what is wrong, the remedy, the exit code; and nothing is
 * written. The GPU is emulated.
 */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class GpuErrorsTest {
    private static final String PLACE = "uncurl.cuda.libraries";
    private static final String PRETRAIN = "pretrain --model trained --config src/test/resources/tiny/pretrain.conf"
            + " --set corpora=[cc100] --set train.ranks=1 --set train.tokens=1000 --set train.validation.every=0"
            + " --set train.checkpoint.every=2";
    private static final String DUMP = "dump-logits --model base --task superglue/copa --tokens 200";
    private static final String EVALUATE = "evaluate --model base --task superglue/copa --split validation --limit 2";

    /** These compute on a GPU. */
    private static final List<String> COMMANDS = List.of(PRETRAIN, DUMP, EVALUATE);

    private Path libraries;
    private Cli cli;

    @BeforeAll
    void makeAModel(@TempDir Path folder) throws IOException {
        libraries = EmulatedGpu.libraries();
        cli = new Cli(folder.resolve("warehouse"));
        // nothing to validate with: an emulated GPU would take a minute for it
        cli.succeed("tokenize --set validation-fraction=0 --config " + SmallCorpora.write(folder, 300, 32));
        cli.succeed(PRETRAIN.replace("trained", "base") + " --untrained");
        SparkEnv.get().conf().set(GpuStage.DEVICE, "cuda");
    }

    @AfterAll
    void forget() {
        SparkEnv.get().conf().remove(GpuStage.DEVICE);
        System.clearProperty(PLACE);
        EmulatedGpu.reset();
    }

    @BeforeEach
    void begin() {
        EmulatedGpu.reset();
        System.setProperty(PLACE, libraries.toString());
    }

    /** All files of models, checkpoints and tables. */
    private Set<String> files() throws IOException {
        try (Stream<Path> all = Files.walk(cli.folder())) {
            return all.filter(Files::isRegularFile)
                    .map(file -> cli.folder().relativize(file).toString())
                    .collect(Collectors.toSet());
        }
    }

    /** The command ends with this code and message, and the warehouse has the files that it had. */
    private void refused(String command, int code, String... message) throws IOException {
        Set<String> before = files();
        Cli.Outcome outcome = cli.run(command.split(" "));
        assertThat(outcome.code()).as(outcome.err()).isEqualTo(code);
        assertThat(outcome.err()).contains(message).doesNotContain("internal error", "\tat ");
        assertThat(files()).isEqualTo(before);
    }

    private void allRefused(String... message) throws IOException {
        for (String command : COMMANDS) {
            refused(command, 2, message);
        }
    }

    /** Libraries of a machine that lacks some. */
    private void machineWith(Path folder, String... names) throws IOException {
        for (String name : names) {
            Files.createSymbolicLink(folder.resolve(name), libraries.resolve("libcuda.so.1"));
        }
        System.setProperty(PLACE, folder.toString());
    }

    @Test
    void withoutADriver(@TempDir Path folder) throws IOException {
        machineWith(folder);
        allRefused("no NVIDIA driver: libcuda.so.1 is not in " + folder, "driver 525", "use the CPU");
    }

    @Test
    void aDriverThatIsTooOld() throws IOException {
        EmulatedGpu.driver(11_080);
        allRefused("The NVIDIA driver supports CUDA 11; version 12", "Install driver 525");
    }

    @Test
    void withoutNvrtc(@TempDir Path folder) throws IOException {
        machineWith(folder, "libcuda.so.1");
        allRefused(
                "libnvrtc.so of CUDA 12 or 13 is not in " + folder, "pip install nvidia-cuda-nvrtc-cu12", "CUDA_HOME");
    }

    @Test
    void withoutCuBlas(@TempDir Path folder) throws IOException {
        machineWith(folder, "libcuda.so.1", "libnvrtc.so.12");
        allRefused("libcublas.so of CUDA 12 or 13 is not in " + folder, "pip install nvidia-cublas-cu12", "CUDA_HOME");
    }

    @Test
    void withTooLittleMemoryForTheParameters() throws IOException {
        EmulatedGpu.limit(30_000);
        allRefused("has no room for another 0.1 MB: 0.0 MB of 0.0 MB are free", "GPU with more memory");
    }

    @Test
    void withTooLittleMemoryForAPass() throws IOException {
        EmulatedGpu.limit(150_000);
        allRefused("tokens at a time needs", "on the GPU (parameters 0.1 MB", "it has 0.", "GPU with more memory");
    }

    @Test
    void aGpuThatFails() throws IOException {
        for (String command : COMMANDS) {
            EmulatedGpu.reset();
            EmulatedGpu.failKernelAfter(10);
            refused(
                    command,
                    3,
                    "GPU 0 (stand-in) failed",
                    "CUDA_ERROR_ECC_UNCORRECTABLE",
                    "Run the same command again");
        }
    }

    /** A step that fails is not in a checkpoint, and training goes on from the one before it. */
    @Test
    void aGpuThatFailsAfterACheckpoint() throws IOException {
        String pretrain = PRETRAIN.replace("trained", "resumed");
        EmulatedGpu.failKernelAfter(600);
        Cli.Outcome failed = cli.run(pretrain.split(" "));
        assertThat(failed.code()).as(failed.err()).isEqualTo(3);
        assertThat(cli.folder().resolve("models/resumed")).doesNotExist();
        assertThat(cli.open().rows(UncurlTable.METRICS, "run_id", "resumed").isEmpty())
                .isTrue();
        EmulatedGpu.reset();
        assertThat(cli.succeed(pretrain)).containsPattern("resumed from .*/step-2");
        cli.succeed("verify --model resumed");
    }

    @Test
    void aLossThatIsNotANumber() {
        String pretrain = PRETRAIN.replace("trained", "diverged");
        Cli.Outcome outcome =
                cli.run((pretrain + " --set train.learning-rate=1000 --set train.warmup=0 --set train.spike-factor=0")
                        .split(" "));
        assertThat(outcome.code()).as(outcome.err()).isEqualTo(6);
        assertThat(outcome.err())
                .contains("train diverged diverged in step", "NaN", "lower train.learning-rate")
                .doesNotContain("internal error", "\tat ");
        assertThat(cli.folder().resolve("models/diverged")).doesNotExist();
    }
}

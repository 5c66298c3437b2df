package dev.uncurl.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.ClusterProcess;
import dev.uncurl.jobs.WeightArray;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.kernel.device.EmulatedGpu;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two executors with an emulated GPU each, which conf/spark/gpu-discovery.sh finds by an nvidia-smi of the test: they train, dump
 * and score as the CPU does, although one of the GPUs fails during training. Another executor takes the place of its own.
 */
@Tag("slow")
class GpuClusterTest {
    private static final String PRETRAIN = "pretrain --config src/test/resources/tiny/pretrain.conf --set corpora=[mc4]"
            + " --set model.moe.top-k=2 --set model.moe.capacity-factor=1.1 --set train.tokens=1000"
            + " --set train.checkpoint.every=2 --model ";

    private static final String DUMP = "dump-logits --task superglue/copa --tokens 400 --model ";
    private static final String EVALUATE = "evaluate --task superglue/copa --split validation --limit 4 --model ";

    /** Kernels after which a GPU fails: between the checkpoint of step 2 and the end, which is step 4. */
    private static final int KERNELS = 400;

    @Test
    void executorsWithGpusMakeTheModelTheLogitsAndTheScoresOfTheCpu(@TempDir Path folder) throws Exception {
        Path libraries = EmulatedGpu.libraries();
        var cli = new Cli(folder.resolve("warehouse"));
        cli.succeed("tokenize --config src/test/resources/tiny/tokenize.conf --set validation-fraction=0.01");
        for (String command : List.of(PRETRAIN, DUMP, EVALUATE)) {
            cli.succeed(command + "cpu");
        }
        String steps = Stream.of("verify cluster --ranks 2", PRETRAIN + "gpu", DUMP + "gpu", EVALUATE + "gpu")
                .map(line -> "\"" + line + "\"")
                .collect(Collectors.joining(", "));
        Path demo = Files.writeString(folder.resolve("steps.conf"), "steps = [" + steps + "], queries = []");
        Path fault = Files.writeString(folder.resolve("fault"), Integer.toString(KERNELS));
        Map<String, String> properties = Map.of(
                "spark.executorEnv.STAND_IN_FAULT", fault.toString(),
                "spark.worker.resource.gpu.amount", "1",
                "spark.worker.resource.gpu.discoveryScript", discovery(folder).toString(),
                "spark.executor.resource.gpu.amount", "1",
                "spark.scheduler.maxRegisteredResourcesWaitingTime", "180s");
        try (var process = new ClusterProcess(
                folder, cli, "demo --verbose --config " + demo, properties, "-Duncurl.cuda.libraries=" + libraries)) {
            assertThat(process.ended(0))
                    .contains("computes on: GPU (stand-in), driver for CUDA 13.0, NVRTC 13.0, products in FP32"
                            + " (device = auto, the task has a GPU)")
                    .contains("Ranks compute on GPU (stand-in)")
                    .contains("ranks exchange through the host's memory: ranks 0 and 1 share GPU")
                    .containsPattern("a rank was lost \\(Rank [01] on \\S+: GPU 0 \\(stand-in\\) failed: .*ECC.*\\)\\."
                            + " Starting again from step 2, restart 1 of 2");
        }
        assertThat(fault).as("the fault, which was taken").doesNotExist();
        assertSameWeights(cli);
        assertSameRows(cli, UncurlTable.LOGITS, 1e-3, "layer", "sequence_id", "position", "logits");
        assertSameRows(cli, UncurlTable.SCORED, 1e-3, "example_id", "log_likelihoods");
    }

    /** The project's script, with an nvidia-smi that lists one GPU. */
    private static Path discovery(Path folder) throws IOException {
        Path bin = Files.createDirectories(folder.resolve("bin"));
        executable(bin.resolve("nvidia-smi"), "echo 'GPU 0: stand-in (UUID: GPU-aa11)'");
        Path script = Path.of("../conf/spark/gpu-discovery.sh").toRealPath();
        return executable(folder.resolve("discovery"), "PATH=" + bin + ":$PATH exec " + script);
    }

    private static Path executable(Path file, String line) throws IOException {
        Files.writeString(file, "#!/usr/bin/env bash\n" + line + "\n");
        assertThat(file.toFile().setExecutable(true)).isTrue();
        return file;
    }

    private static void assertSameWeights(Cli cli) throws IOException {
        ModelFolder expected = new Models(cli.open()).open("cpu");
        ModelFolder actual = new Models(cli.open()).open("gpu");
        assertThat(actual.manifest().lineage().backend()).contains("GPU (stand-in)", "device = auto");
        assertThat(expected.manifest().lineage().backend()).doesNotContain("GPU");
        float[] one = WeightArray.of(expected);
        float[] other = WeightArray.of(actual);
        assertThat(other).hasSameSizeAs(one);
        for (int i = 0; i < one.length; i++) {
            assertThat(other[i]).isCloseTo(one[i], within(1e-4f));
        }
    }

    /** @param columns a key, and numbers at last */
    private static void assertSameRows(Cli cli, UncurlTable table, double tolerance, String... columns) {
        List<Row> expected = rows(cli, table, "cpu", columns);
        List<Row> actual = rows(cli, table, "gpu", columns);
        assertThat(actual).hasSameSizeAs(expected).isNotEmpty();
        int last = columns.length - 1;
        for (int i = 0; i < actual.size(); i++) {
            for (int column = 0; column < last; column++) {
                assertThat(actual.get(i).get(column)).isEqualTo(expected.get(i).get(column));
            }
            List<Number> numbers = actual.get(i).getList(last);
            for (int n = 0; n < numbers.size(); n++) {
                double wanted = expected.get(i).<Number>getList(last).get(n).doubleValue();
                assertThat(numbers.get(n).doubleValue()).isCloseTo(wanted, within(tolerance));
            }
        }
    }

    private static List<Row> rows(Cli cli, UncurlTable table, String model, String... columns) {
        String[] key = Stream.of(columns).limit(columns.length - 1).toArray(String[]::new);
        return cli.open()
                .rows(table, "model_id", model)
                .selectExpr(columns)
                .where(columns[columns.length - 1] + " IS NOT NULL") // texts of a corpus have no choices
                .orderBy(key[0], Stream.of(key).skip(1).toArray(String[]::new))
                .collectAsList();
    }
}

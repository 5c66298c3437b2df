package dev.uncurl.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.checkpoint.Manifest;
import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.Uncurl;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.UncurlTable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Training on a cluster of two executors, each a process of its own with one rank. */
@Tag("slow")
class ClusterTrainingTest {
    private static final String PRETRAIN = "pretrain --config src/test/resources/tiny/pretrain.conf"
            + " --set corpora=[cc100] --set model.moe.top-k=2 --set model.moe.capacity-factor=1.1"
            + " --set train.checkpoint.every=10 --set train.tokens=5000";

    @Test
    void anErrorThatTheUserCanRemedyEndsTheRunWithItsMessageAndCode(@TempDir Path folder) throws Exception {
        var cli = new Cli(folder.resolve("warehouse"));
        cli.succeed("tokenize --config src/test/resources/tiny/tokenize.conf");
        String said = onCluster(folder, cli, 2, PRETRAIN + " --model none", "-Duncurl.threads=none");
        assertThat(said).contains("System property uncurl.threads = none").doesNotContain("internal error");
    }

    /**
     * Ranks that are executors, and divide the experts, make the model that ranks make which are threads, though an executor is
     * killed after the first of its checkpoints, and another one takes its place.
     */
    @Test
    void ranksOfAClusterMakeTheModelOfThreadsEvenIfOneIsKilled(@TempDir Path folder) throws Exception {
        var cli = new Cli(folder.resolve("warehouse"));
        cli.succeed("tokenize --config src/test/resources/tiny/tokenize.conf");
        String longer = "pretrain --config src/test/resources/tiny/pretrain.conf --set corpora=[cc100]"
                + " --set model.moe.top-k=2 --set model.moe.capacity-factor=1.1 --set train.tokens=100000"
                + " --set train.checkpoint.every=150 --set train.validation.every=0 --set train.restarts=20"
                + " --set train.expert-parallel=2";
        cli.succeed(longer + " --model undisturbed");
        Process process = start(folder, cli, longer + " --model disturbed");
        Path checkpoint = folder.resolve("warehouse/checkpoints/disturbed/step-150");
        while (process.isAlive() && !Files.exists(checkpoint)) {
            Thread.sleep(20);
        }
        // between two stages nothing is lost with an executor: then the next one goes, when there has been time to
        // replace it
        for (int tick = 0;
                process.isAlive() && !Files.readString(folder.resolve("out")).contains("a rank was lost");
                tick++) {
            Thread.sleep(500);
            if (tick % 20 == 0) {
                List<ProcessHandle> executors = process.children().toList();
                executors.get(executors.size() - 1).destroyForcibly();
            }
        }
        assertThat(said(folder, process, 0))
                .contains("a rank was lost", "Starting again from step ", "restart 1 of 20");
        assertThat(files(cli, "disturbed")).isEqualTo(files(cli, "undisturbed"));
        assertThat(metrics(cli, "disturbed")).hasSizeGreaterThan(150).isEqualTo(metrics(cli, "undisturbed"));
    }

    private static Map<String, Manifest.Entry> files(Cli cli, String model) {
        return new Models(cli.open()).open(model).manifest().files();
    }

    private static List<Row> metrics(Cli cli, String model) {
        return cli.open()
                .rows(UncurlTable.METRICS, "run_id", model)
                .select("step", "tokens", "loss", "validation_loss", "grad_norm", "layers", "sequences_hash")
                .orderBy("step")
                .collectAsList();
    }

    /**
     * Runs a command in a process whose executors are processes too; returns what it printed.
     *
     * @param options further options of the executors' JVMs
     */
    private static String onCluster(Path folder, Cli cli, int code, String command, String... options)
            throws IOException, InterruptedException {
        return said(folder, start(folder, cli, command, options), code);
    }

    private static Process start(Path folder, Cli cli, String command, String... options) throws IOException {
        Files.createDirectories(folder.resolve("spark/jars"));
        String path = System.getProperty("java.class.path");
        var line = new ArrayList<String>();
        line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        line.addAll(List.of("-Xmx600m", "@../conf/spark/java17.options"));
        line.add("-Dlog4j2.configurationFile=../conf/spark/log4j2.properties");
        line.add("-Duncurl.home=" + Path.of("..").toAbsolutePath().normalize());
        Map<String, String> settings = Map.ofEntries(
                Map.entry("spark.master", "local-cluster[2,1,900]"),
                Map.entry("spark.ui.enabled", "false"),
                Map.entry("spark.driver.host", "127.0.0.1"),
                Map.entry("spark.driver.bindAddress", "127.0.0.1"),
                Map.entry("spark.executor.memory", "800m"),
                Map.entry("spark.executor.extraClassPath", path),
                Map.entry(
                        "spark.executor.extraJavaOptions",
                        "--add-modules=jdk.incubator.vector -Dorg.bytedeco.javacpp.maxbytes=600m"
                                + " -Dorg.bytedeco.javacpp.maxphysicalbytes=0 " + String.join(" ", options)),
                Map.entry("spark.sql.shuffle.partitions", "2"),
                Map.entry("spark.scheduler.barrier.maxConcurrentTasksCheck.interval", "1s"),
                Map.entry("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"));
        settings.forEach((key, value) -> line.add("-D" + key + "=" + value));
        line.addAll(List.of("-cp", path, Uncurl.class.getName()));
        line.addAll(List.of(command.split(" ")));
        line.addAll(List.of("--warehouse", cli.folder().toString()));
        ProcessBuilder builder = new ProcessBuilder(line).redirectErrorStream(true);
        builder.environment()
                .putAll(Map.of(
                        "SPARK_HOME", folder.resolve("spark").toString(),
                        "SPARK_SCALA_VERSION", "2.12",
                        "SPARK_LOCAL_IP", "127.0.0.1"));
        return builder.redirectOutput(folder.resolve("out").toFile()).start();
    }

    private static String said(Path folder, Process process, int code) throws IOException, InterruptedException {
        try {
            assertThat(process.waitFor(4, TimeUnit.MINUTES)).as("it ends").isTrue();
        } finally {
            process.destroyForcibly();
        }
        String said = Files.readString(folder.resolve("out"));
        assertThat(process.exitValue()).as(said).isEqualTo(code);
        return said;
    }
}

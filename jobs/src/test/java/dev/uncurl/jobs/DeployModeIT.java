package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The driver is a process of a worker: its exit code, its output, and what it needs of the submitting machine travel. */
class DeployModeIT {
    private static final Map<String, String> ENVIRONMENT = Map.of("SPARK_LOCAL_IP", "127.0.0.1");

    @Test
    void aDriverOnTheClusterEndsAsOneHere(@TempDir Path folder) throws Exception {
        var submit = new Submit(Files.createDirectory(folder.resolve("checkout")));
        Files.writeString(
                folder.resolve("checkout/mine.conf"),
                "include classpath(\"conf/train/demo-pretrain.conf\")\ncorpora = [travelled]\n");
        try (var cluster = new StandaloneCluster(Files.createDirectory(folder.resolve("cluster")), 2, ENVIRONMENT)) {
            String deployed = "jobs/submit --master " + cluster.url() + " --deploy-mode cluster --properties-file"
                    + " conf/spark/standalone.conf --driver-memory 1g -- %s --warehouse " + folder.resolve("warehouse");
            Submit.Outcome failed =
                    submit.run(String.format(deployed, "pretrain --model none --config mine.conf"), ENVIRONMENT);
            assertThat(failed.err())
                    .withFailMessage(() -> failed.out() + failed.err() + cluster.logs())
                    .contains("travelled", "Run tokenize");
            assertThat(failed.code()).isEqualTo(3);
            Submit.Outcome verified = submit.run(String.format(deployed, "verify cluster"), ENVIRONMENT);
            assertThat(verified.code())
                    .withFailMessage(() -> verified.out() + verified.err() + cluster.logs())
                    .isZero();
            // what conf/spark/standalone.conf asks for acts on executors
            assertThat(verified.out())
                    .contains("Training can begin.", "read, written", "4295")
                    .containsPattern("kernels: vectors of \\d+ bits, OpenBLAS \\w+")
                    .containsPattern("tasks +cores +threads +OpenBLAS +GFLOP/s a thread")
                    .doesNotContain("may allocate vectors on the Java heap", "several times slower");
        }
    }
}

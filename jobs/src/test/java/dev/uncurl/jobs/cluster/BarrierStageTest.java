package dev.uncurl.jobs.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.collective.Collectives;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.tokenize.TokenizeFixture;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("slow")
class BarrierStageTest {
    @Test
    void ranksAreTasksOfAStageAndReportToTheDriver() throws Exception {
        var reports = Collections.synchronizedList(new ArrayList<StepReport>());
        var context = new JavaSparkContext(TokenizeFixture.spark().sparkContext());
        AutoCloseable listening = ClusterPlugin.listen("run-of-a-test", reports::add);
        for (int stage = 0; stage < 2; stage++) {
            assertThat(Stage.run(context, 2, task -> {
                        try (Collectives ranks = SparkTransport.open(task, Duration.ofSeconds(60))) {
                            double sum = ranks.sum(new double[] {1 + ranks.rank()})[0];
                            ClusterPlugin.report(
                                    new StepReport("run-of-a-test", ranks.rank(), 7, sum, 0.1, Map.of("a", 1.0)));
                            ClusterPlugin.report(new StepReport("of nobody", 0, 7, sum, 0.1, Map.of()));
                            return ranks.rank() + "/" + ranks.size() + ": " + sum;
                        }
                    }))
                    .containsExactly("0/2: 3.0", "1/2: 3.0");
        }
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (reports.size() < 4 && System.nanoTime() < end) {
            Thread.sleep(5); // they come when they come
        }
        listening.close();
        assertThat(reports).hasSize(4).allMatch(report -> report.loss() == 3 && report.step() == 7);
        assertThat(reports.stream().map(StepReport::rank)).containsExactlyInAnyOrder(0, 1, 0, 1);
    }

    @Test
    void aSessionWithoutThePluginIsNamed() {
        assertThat(ClusterPlugin.beside("")).isEqualTo(ClusterPlugin.class.getName());
        assertThat(ClusterPlugin.beside("a.B, c.D")).isEqualTo("a.B,c.D," + ClusterPlugin.class.getName());
        assertThat(ClusterPlugin.beside(ClusterPlugin.beside("a.B"))).isEqualTo(ClusterPlugin.beside("a.B"));
        assertThatThrownBy(() -> ClusterPlugin.required(null))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("this executor has no dev.uncurl.jobs.cluster.ClusterPlugin")
                .hasMessageContaining("Add it to spark.plugins");
        var driver = new ClusterPlugin().driverPlugin();
        assertThatThrownBy(() -> driver.receive("something else")).hasMessageContaining("java.lang.String");
    }

    @Test
    void stagesOfARealClusterFollowEachOtherAndNameTheRankThatIsLost(@TempDir Path folder) throws Exception {
        Files.createDirectories(folder.resolve("spark/jars"));
        var line = new ArrayList<String>();
        line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        line.addAll(List.of(
                "-Xmx600m", "@" + Path.of("../conf/spark/java17.options").toAbsolutePath()));
        line.add("-Dlog4j2.configurationFile=" + System.getProperty("log4j2.configurationFile"));
        line.addAll(List.of("-cp", System.getProperty("java.class.path"), ClusterTrial.class.getName()));
        ProcessBuilder builder = new ProcessBuilder(line).directory(folder.toFile());
        builder.environment()
                .putAll(Map.of(
                        "SPARK_HOME", folder.resolve("spark").toString(),
                        "SPARK_SCALA_VERSION", "2.12",
                        "SPARK_LOCAL_IP", "127.0.0.1"));
        Process process = builder.redirectOutput(folder.resolve("out").toFile())
                .redirectError(folder.resolve("err").toFile())
                .start();
        try {
            assertThat(process.waitFor(4, TimeUnit.MINUTES)).as("it ends").isTrue();
        } finally {
            process.destroyForcibly();
        }
        List<String> out = Files.readAllLines(folder.resolve("out"));
        String all = String.join("\n", out) + "\n" + Files.readString(folder.resolve("err"));
        assertThat(process.exitValue()).as(all).isZero();
        // 3,000 times the numbers 0 to 999, once and twice
        String sum = " of 2 sum " + 3000L * 499_500 * 3;
        Stream<String> stages = out.stream().filter(one -> one.startsWith("rank"));
        assertThat(stages)
                .as(all)
                .containsExactly(
                        "rank 0" + sum, "rank 1" + sum, "rank 0" + sum, "rank 1" + sum, "rank 0" + sum, "rank 1" + sum);
        assertThat(out)
                .as(all)
                .contains("the stage failed: SparkException", "again rank 0" + sum, "again rank 1" + sum)
                .contains("report: rank 0 step 12 loss NaN {lost=1.0}", "report: rank 0 step 20 loss NaN {lost=1.0}");
    }
}

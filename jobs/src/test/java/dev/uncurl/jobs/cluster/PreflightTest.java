package dev.uncurl.jobs.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.tokenize.TokenizeFixture;
import dev.uncurl.machine.Machine;
import dev.uncurl.machine.MemoryLimits;
import dev.uncurl.processor.Processor;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PreflightTest {
    private static final long GB = 1L << 30;
    private static final String KERNELS = "vectors of 512 bits, OpenBLAS SkylakeX";

    private static final TaskProcessor.Description CPU = TaskProcessor.Description.of(Processor.cpu("test"));

    private static Machine machine(String java, String kernels, MemoryLimits memory) {
        return new Machine("a processor", 4, 1, java, kernels, true, memory, List.of());
    }

    private static Machine machine(String java, String kernels) {
        return machine(java, kernels, new MemoryLimits(GB, 4 * GB, 16 * GB, 16 * GB));
    }

    private static ExecutorReport report(String id, Machine machine) {
        return new ExecutorReport(id, "host" + id, machine, "", 3, CPU, null, null);
    }

    /** One without faults. */
    static ExecutorReport report(String id) {
        return report(id, machine("17.0.1", KERNELS));
    }

    private static List<UserError> obstacles(long rankBytes, ExecutorReport... reports) {
        return new Requirements(List.of(reports)).obstacles(rankBytes);
    }

    @Test
    void executorsThatAreAlikeAreNoObstacle() {
        var one = machine("17.0.1", KERNELS);
        assertThat(obstacles(4 * GB, report("0", one), report("1", one))).isEmpty();
        var reports = List.of(report("0", one), report("1", one));
        assertThat(new Advice(reports, Map.of("0", 2, "1", 2), 1).lines()).isEmpty();
    }

    @Test
    void differentKernelsOrVersionsOfJavaAreNamedWithTheirExecutors() {
        var wide = report("0", machine("17.0.1", KERNELS));
        var other = report("1", machine("17.0.1", "vectors of 256 bits, OpenBLAS Haswell"));
        assertThat(obstacles(0, wide, other)).singleElement().satisfies(obstacle -> assertThat(obstacle)
                .hasMessageContainingAll(
                        "different kernels",
                        "256 bits, OpenBLAS Haswell (executor 1 on host1)",
                        "512 bits, OpenBLAS SkylakeX (executor 0 on host0)",
                        "OPENBLAS_CORETYPE HASWELL")
                .extracting(one -> ((UserError) one).kind())
                .isEqualTo(UserError.Kind.USAGE));
        assertThat(obstacles(0, wide, report("1", machine("17.0.2", KERNELS))))
                .singleElement()
                .satisfies(obstacle -> assertThat(obstacle)
                        .hasMessageContainingAll("different versions of Java", "17.0.2 (executor 1", "JAVA_HOME"));
    }

    @Test
    void executorsThatComputeOnDifferentDevicesAreNamed() {
        var gpu = new TaskProcessor.Description(
                "GPU 0 (H100)", "GPU (H100), driver for CUDA 13.0, NVRTC 13.0, products in FP32", "test", false);
        var other = new TaskProcessor.Description("GPU 3 (H100)", gpu.kind(), "test", false);
        Machine machine = machine("17.0.1", KERNELS);
        var one = new ExecutorReport("0", "host0", machine, "", 0, gpu, null, null);
        assertThat(obstacles(0, one, new ExecutorReport("1", "host1", machine, "", 0, other, null, null)))
                .isEmpty();
        assertThat(obstacles(0, one, report("1", machine))).singleElement().satisfies(obstacle -> assertThat(obstacle)
                .hasMessageContainingAll("different devices", "CPU (executor 1 on host1)", "spark.uncurl.device cpu"));
    }

    @Test
    void tooLittleMemoryForARankIsSaidInNumbers() {
        var one = report("0", machine("17.0.1", KERNELS));
        assertThat(obstacles(5 * GB, one)).singleElement().satisfies(obstacle -> assertThat(obstacle)
                .hasMessageContainingAll("5,369 MB", "4,295 MB", "maxbytes", "train.micro-batch"));
        var small = report("7", machine("17.0.1", KERNELS, new MemoryLimits(GB, 0, 2 * GB, 16 * GB)));
        assertThat(obstacles(5 * GB, small)).singleElement().satisfies(obstacle -> assertThat(obstacle)
                .hasMessageContainingAll("5,369 MB", "executor 7 on host7 has 2,147 MB in all"));
    }

    @Test
    void aWarehouseThatExecutorsCannotUseIsAnInputAndComesBeforeTheRest() {
        var fine = report("0", machine("17.0.1", KERNELS));
        var without = new ExecutorReport(
                "1", "host1", machine("17.0.2", "other"), "FileNotFoundException: /w", 0, CPU, null, null);
        assertThat(obstacles(0, fine, without)).singleElement().satisfies(obstacle -> {
            assertThat(obstacle.kind()).isEqualTo(UserError.Kind.INPUT);
            assertThat(obstacle).hasMessageContainingAll("1 of 2 executors", "executor 1 on host1", "/w", "HDFS");
        });
        var wrong = new ExecutorReport(
                "1", "host1", null, "", 0, CPU, null, UserError.usage("uncurl.threads = x", "Correct it."));
        assertThat(obstacles(0, fine, wrong)).singleElement().satisfies(obstacle -> assertThat(obstacle)
                .hasMessageContaining("executor 1 on host1: uncurl.threads"));
    }

    @Test
    void adviceNamesWhoIsToBeChanged() {
        var slow = new Machine(
                "p", 1, 2, "17", "plain ND4J, no Vector API", false, new MemoryLimits(GB, 0, GB, 2 * GB), List.of());
        var tight = machine("17", KERNELS, new MemoryLimits(GB, 16 * GB, 16 * GB, 16 * GB));
        var late = new ExecutorReport("1", "host1", tight, "", 5000, CPU, null, null);
        assertThat(new Advice(List.of(report("0", slow), late), Map.of("0", 1, "1", 2), 1).lines())
                .anyMatch(line -> line.startsWith("Executor 0 on host0: the kernels are several times slower"))
                .anyMatch(line -> line.startsWith("Executor 0 on host0: its tasks have more threads"))
                .anyMatch(line -> line.startsWith("Executor 0 on host0: nothing limits ND4J's arrays"))
                .anyMatch(line -> line.startsWith("Executor 1 on host1: its clock"))
                .anyMatch(line -> line.startsWith("Executor 1 on host1: heap and"))
                .hasSize(6);
    }

    @Test
    void aFolderThatIsNotSharedIsFound(@TempDir java.nio.file.Path folder) throws IOException {
        var conf = new Configuration();
        FileSystem files = FileSystem.getLocal(conf);
        var here = new Path(folder.resolve("here").toString());
        try (var trial = new WarehouseTrial(files, here)) {
            assertThat(WarehouseTrial.answer(here, trial.token(), "3", conf)).isEmpty();
            assertThat(trial.seen("3")).isEmpty();
            assertThat(trial.seen("4")).contains("the driver cannot read what it wrote");
            var elsewhere = new Path(folder.resolve("elsewhere").toString());
            assertThat(WarehouseTrial.answer(elsewhere, trial.token(), "3", conf))
                    .contains("FileNotFoundException", "elsewhere/driver");
            Files.createDirectory(folder.resolve("elsewhere"));
            Files.writeString(folder.resolve("elsewhere/driver"), "of another run");
            assertThat(WarehouseTrial.answer(elsewhere, trial.token(), "3", conf))
                    .contains("is not what the driver wrote");
        }
        assertThat(folder.resolve("here")).doesNotExist();
    }

    @Test
    @Tag("slow")
    void localModeIsOneExecutorWhoseSlotsAreTheThreads(@TempDir java.nio.file.Path folder) throws IOException {
        var context = new JavaSparkContext(TokenizeFixture.spark().sparkContext());
        var trial = new Path(folder.resolve(UUID.randomUUID().toString()).toString());
        var preflight = new Preflight(context, FileSystem.getLocal(new Configuration()), trial);
        Findings found = preflight.findings(2);
        assertThat(found.obstacles()).isEmpty();
        assertThat(found.executors()).singleElement().satisfies(report -> {
            assertThat(report.executor()).isEqualTo("driver");
            assertThat(report.clockMillis()).isBetween(-1000L, 1000L);
        });
        assertThat(found.cores()).isEqualTo(Map.of("driver", context.defaultParallelism()));
        assertThat(found.speeds()).containsOnlyKeys("driver");
        assertThat(found.slow()).isEmpty();
        assertThatThrownBy(() ->
                        new Preflight(context, FileSystem.getLocal(new Configuration()), trial).requireSlots(2, 3))
                .isInstanceOf(UserError.class)
                .hasMessageContainingAll("3 ranks need 3 free slots, but the cluster gives 2", "train.ranks=2");
    }
}

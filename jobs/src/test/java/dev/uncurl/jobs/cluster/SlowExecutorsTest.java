package dev.uncurl.jobs.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.machine.ProductSpeed;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SlowExecutorsTest {
    private static final List<ExecutorReport> THREE =
            List.of(PreflightTest.report("0"), PreflightTest.report("1"), PreflightTest.report("2"));

    private static List<String> warnings(Map<String, ProductSpeed> speeds) {
        return new SlowExecutors(THREE, speeds).warnings();
    }

    private static ProductSpeed speed(String core, double gigaflops) {
        return new ProductSpeed(core, gigaflops);
    }

    @Test
    void otherKernelsAreNamedWithBothNumbersAndTheVariable() {
        assertThat(warnings(Map.of(
                        "0", speed("Cooperlake", 230), "1", speed("Barcelona", 53), "2", speed("Cooperlake", 116))))
                .containsExactly(
                        "executor 1 on host1 multiplies at 53 GFLOP/s a thread (OpenBLAS Barcelona), less than half"
                                + " of the 230 (OpenBLAS Cooperlake) of executor 0 on host0, and ranks of training wait for the"
                                + " slowest. OpenBLAS uses other kernels there. If its processor can do what the other one can,"
                                + " name the better kernels on all executors: spark.executorEnv.OPENBLAS_CORETYPE COOPERLAKE;"
                                + " otherwise leave the machine out.");
    }

    @Test
    void theSameKernelsPointToTheMachine() {
        assertThat(warnings(Map.of("0", speed("Haswell", 49.9), "1", speed("Haswell", 100), "2", speed("Haswell", 20))))
                .hasSize(2)
                .allMatch(line -> line.contains("Other work on its machine"))
                .satisfies(lines -> assertThat(lines.get(0)).startsWith("executor 2 on host2 multiplies at 20"));
    }

    @Test
    void halfOfTheBestIsEnough() {
        assertThat(warnings(Map.of("0", speed("Zen", 50), "1", speed("Haswell", 100), "2", speed("Zen", 77))))
                .isEmpty();
        assertThat(warnings(Map.of("1", speed("Zen", 1)))).isEmpty();
        assertThat(warnings(Map.of())).isEmpty();
    }
}

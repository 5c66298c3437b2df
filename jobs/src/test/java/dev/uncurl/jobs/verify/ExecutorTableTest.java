package dev.uncurl.jobs.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cluster.ExecutorReport;
import dev.uncurl.jobs.cluster.Findings;
import dev.uncurl.jobs.cluster.TaskProcessor;
import dev.uncurl.machine.Machine;
import dev.uncurl.machine.MemoryLimits;
import dev.uncurl.machine.ProductSpeed;
import dev.uncurl.processor.Processor;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ExecutorTableTest {
    private static final TaskProcessor.Description CPU = TaskProcessor.Description.of(Processor.cpu("test"));

    @Test
    void aRowSaysWhichKernelsMultiplyAndHowFast() {
        var memory = new MemoryLimits(1_000_000_000, 4_000_000_000L, 16_000_000_000L, 16_000_000_000L);
        var machine = new Machine("a processor", 4, 2, "17", "kernels", true, memory, List.of());
        var fine = new ExecutorReport("0", "host0", machine, "", 3, CPU, null, null);
        var wrong = new ExecutorReport("1", "host1", null, "", 0, CPU, null, UserError.usage("wrong", "Correct it."));
        var found = new Findings(
                List.of(fine, wrong),
                Map.of("0", 4, "1", 2),
                Map.of("0", new ProductSpeed("Cooperlake", 229.6)),
                "",
                List.of(),
                List.of());
        String[] lines = ExecutorTable.of(found, 2).split("\n");
        assertThat(lines[0].replaceAll("  +", "|"))
                .isEqualTo(
                        "executor|host|tasks|cores|threads|OpenBLAS|GFLOP/s a thread|heap MB|off heap MB|memory MB|GPUs"
                                + "|computes on|warehouse|clock ms");
        assertThat(lines[2].strip().replaceAll("  +", "|"))
                .isEqualTo("0|host0|2|4|2|Cooperlake|230|1000|4000|16000|0|CPU|read, written|3");
        assertThat(lines[3]).contains("host1").doesNotContain("Cooperlake", "230");
        assertThat(lines[4]).isEqualTo("Executors: 2; tasks at a time: 3");
    }
}

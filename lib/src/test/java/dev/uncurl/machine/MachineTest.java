package dev.uncurl.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MachineTest {
    @Test
    void thisProcessHasCoresMemoryAndKernels() {
        Machine machine = Machine.here();
        assertThat(machine.cores()).isEqualTo(Runtime.getRuntime().availableProcessors());
        assertThat(machine.java()).contains("17.");
        assertThat(machine.kernels()).matches("vectors of (128|256|512) bits, OpenBLAS \\w+");
        assertThat(machine.compileCommands()).isTrue(); // the tests' JVM has java17.options
        MemoryLimits memory = machine.memory();
        assertThat(memory.heap()).isEqualTo(Runtime.getRuntime().maxMemory());
        assertThat(memory.offHeap()).isEqualTo(2L << 30);
        assertThat(memory.container()).isBetween(memory.heap() / 2, memory.machine());
    }

    @Test
    void gpusAreThoseOfTheDriver(@TempDir Path folder) throws Exception {
        assertThat(Gpus.under(folder.resolve("none"))).isEmpty();
        for (String bus : new String[] {"0000:01:00.0", "0000:02:00.0"}) {
            Files.writeString(
                    Files.createDirectories(folder.resolve(bus)).resolve("information"),
                    "Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   \t\t 33\n");
        }
        assertThat(Gpus.under(folder)).containsExactly("NVIDIA H100 80GB HBM3", "NVIDIA H100 80GB HBM3");
    }
}

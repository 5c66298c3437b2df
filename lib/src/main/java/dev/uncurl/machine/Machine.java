package dev.uncurl.machine;

import dev.uncurl.kernel.BlasCore;
import dev.uncurl.kernel.KernelChoice;
import java.io.Serializable;
import java.lang.management.ManagementFactory;
import java.util.List;

/**
 * What a process finds where it runs.
 *
 * @param processor its model
 * @param cores that the process may use: those of its container
 * @param threads on which one task computes
 * @param java version of the JVM
 * @param kernels that compute; bits of results may differ between different ones
 * @param compileCommands whether the JVM has the compile commands of the kernels
 * @param memory its limits
 * @param gpus NVIDIA GPUs whose driver the process sees
 */
public record Machine(
        String processor,
        int cores,
        int threads,
        String java,
        String kernels,
        boolean compileCommands,
        MemoryLimits memory,
        List<String> gpus)
        implements Serializable {
    private static final String COMPILE_COMMAND = "-XX:CompileCommand=inline,dev.uncurl.kernel.vector.";

    public Machine {
        gpus = List.copyOf(gpus);
    }

    /** Of this process. Loads the native libraries of the kernels. */
    public static Machine here() {
        return new Machine(
                BlasCore.processor(),
                Runtime.getRuntime().availableProcessors(),
                KernelChoice.threads(),
                System.getProperty("java.vm.vendor") + " " + Runtime.version(),
                KernelChoice.description(),
                ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                        .anyMatch(argument -> argument.startsWith(COMPILE_COMMAND)),
                MemoryLimits.here(),
                Gpus.visible());
    }
}

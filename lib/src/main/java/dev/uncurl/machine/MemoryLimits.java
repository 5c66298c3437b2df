package dev.uncurl.machine;

import com.sun.management.OperatingSystemMXBean;
import dev.uncurl.kernel.OffHeap;
import java.io.IOException;
import java.io.Serializable;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Limits of a process's memory, in bytes.
 *
 * @param heap largest Java heap
 * @param offHeap limit of ND4J's arrays; 0 for none
 * @param container limit of the container (cgroup); that of the machine without one
 * @param machine memory of the machine
 */
public record MemoryLimits(long heap, long offHeap, long container, long machine) implements Serializable {
    private static final Path MEMORY = Path.of("/proc/meminfo");

    /** Of this process. */
    static MemoryLimits here() {
        var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        long container = system.getTotalMemorySize();
        return new MemoryLimits(
                Runtime.getRuntime().maxMemory(), OffHeap.limit(), container, Math.max(container, machine(container)));
    }

    /** Memory of the machine, of which Java sees only the container's part; the other value where Linux does not say. */
    private static long machine(long otherwise) {
        try {
            return Files.readAllLines(MEMORY).stream()
                    .filter(line -> line.startsWith("MemTotal:"))
                    .map(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
                    .findFirst()
                    .orElse(otherwise);
        } catch (IOException e) { // not Linux
            return otherwise;
        }
    }

    /** Whether a container gives less than the machine has. */
    public boolean inContainer() {
        return container < machine;
    }
}

package dev.uncurl.jobs;

import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.util.Locale;

/**
 * Runs commands one after another in one Spark application, and prints the seconds of each and the heap of the process.
 *
 * <p>The arguments are command lines; one that begins with {@code -} is run without a time.
 */
final class TimedCommands {
    static final String TIME = "seconds: ";
    static final String HEAP = "heap of the driver: ";

    private TimedCommands() {}

    public static void main(String[] lines) {
        for (String line : lines) {
            boolean timed = !line.startsWith("-");
            String command = timed ? line : line.substring(1);
            long start = System.nanoTime();
            int code = Uncurl.commandLine().execute(command.split(" "));
            if (code != 0) {
                System.out.println(command + " ended with code " + code);
                System.exit(code);
            }
            if (timed) {
                System.out.printf(Locale.ROOT, "%s%.3f %s%n", TIME, (System.nanoTime() - start) / 1e9, command);
            }
        }
        System.out.println(HEAP + heap());
        System.exit(0); // Spark's barrier timer would keep the process
    }

    /** What its pools held at most. */
    private static String heap() {
        long live = 0;
        long taken = 0;
        for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
            if (pool.getType() == MemoryType.HEAP) {
                taken += pool.getPeakUsage().getUsed();
                if (pool.getName().contains("Old")) {
                    live += pool.getPeakUsage().getUsed();
                }
            }
        }
        return "at most " + (live >> 20) + " MB in the old generation, " + (taken >> 20) + " MB in all, of "
                + (Runtime.getRuntime().maxMemory() >> 20) + " MB";
    }
}

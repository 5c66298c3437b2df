package dev.uncurl.jobs;

import java.util.Locale;

/**
 * Runs commands one after another in one Spark application, and prints the seconds of each.
 *
 * <p>The arguments are command lines; one that begins with {@code -} is run without a time.
 */
final class TimedCommands {
    static final String TIME = "seconds: ";

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
        System.exit(0); // Spark's barrier timer would keep the process
    }
}

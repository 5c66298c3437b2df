package dev.uncurl.jobs.cli;

import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.config.Configurator;
import sun.misc.Signal;

/**
 * Handles Ctrl-C and the signal to terminate: prints one line, stops Spark, which cancels its jobs, and ends the process
 * with code 128 + the signal's number. A second signal ends the process at once. Unfinished outputs are as after any kill:
 * readers do not see them, and the next run resumes them.
 */
public final class Interruption {
    private static final Map<String, String> SIGNALS = Map.of("INT", "interrupted", "TERM", "terminated");

    private static volatile boolean ending;

    private Interruption() {}

    /** Installs the handlers. */
    public static void install() {
        SIGNALS.forEach((name, word) -> Signal.handle(new Signal(name), signal -> end(signal, word)));
    }

    private static synchronized void end(Signal signal, String word) {
        int code = 128 + signal.getNumber();
        if (ending) {
            Runtime.getRuntime().halt(code);
        }
        ending = true;
        System.err.println((System.console() == null ? "" : "\n") + "uncurl: " + word
                + ". Finished outputs are kept; run the same command again to continue.");
        System.err.flush();
        // failures of other threads while Spark stops are expected
        Configurator.setAllLevels(LogManager.ROOT_LOGGER_NAME, Level.OFF);
        System.setErr(new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8));
        new Thread(() -> System.exit(code), "exit").start(); // this thread stays free for a second signal
    }

    /** Whether a signal is ending the process, so that failures are its consequence. */
    public static boolean isEnding() {
        return ending;
    }
}

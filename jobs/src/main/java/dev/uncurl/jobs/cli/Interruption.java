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
 * Ctrl-C and the signal to terminate: one line, then Spark is stopped, which cancels its jobs, and the process ends with
 * 128 + the signal's number. A second signal ends it at once. What was being written is left as by any kill: not there
 * for readers, and taken up by the next run.
 */
public final class Interruption {
    private static final Map<String, String> SIGNALS = Map.of("INT", "interrupted", "TERM", "terminated");

    private static volatile boolean ending;

    private Interruption() {}

    /** Has the signals end this process so from now on. */
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
                + ". What is finished stays; run the same command again to go on.");
        System.err.flush();
        // how other threads fail while Spark stops is no news
        Configurator.setAllLevels(LogManager.ROOT_LOGGER_NAME, Level.OFF);
        System.setErr(new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8));
        new Thread(() -> System.exit(code), "exit").start(); // this thread stays free for a second signal
    }

    /** Whether a signal is ending the process, so that a failure of a command is its consequence. */
    public static boolean isEnding() {
        return ending;
    }
}

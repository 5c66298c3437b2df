package dev.uncurl.jobs;

import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.SparkSession;

/** Runs commands in this process, as a user would by jobs/submit, on local[2]. */
public final class Cli {
    static {
        System.setProperty("spark.master", "local[2]");
        System.setProperty("spark.ui.enabled", "false");
        System.setProperty("spark.sql.shuffle.partitions", "2");
        System.setProperty("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions");
        System.setProperty(
                "uncurl.home", Path.of("..").toAbsolutePath().normalize().toString());
    }

    private final String warehouse;

    public Cli(Path warehouse) {
        this(warehouse.toString());
    }

    /** @param warehouse a path or URI, as a command gets it */
    public Cli(String warehouse) {
        this.warehouse = warehouse;
    }

    /** What a command printed, and its exit code. */
    public record Outcome(int code, String out, String err) {}

    public Outcome run(String... arguments) {
        var all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("--warehouse", warehouse));
        PrintStream out = System.out;
        PrintStream err = System.err;
        var capturedOut = new ByteArrayOutputStream();
        var capturedErr = new ByteArrayOutputStream();
        try {
            System.setOut(new PrintStream(capturedOut, true, StandardCharsets.UTF_8));
            System.setErr(new PrintStream(capturedErr, true, StandardCharsets.UTF_8));
            int code = Uncurl.commandLine().execute(all.toArray(String[]::new));
            return new Outcome(
                    code, capturedOut.toString(StandardCharsets.UTF_8), capturedErr.toString(StandardCharsets.UTF_8));
        } finally {
            System.setOut(out);
            System.setErr(err);
        }
    }

    /** Runs a command that must succeed. */
    public String succeed(String line, String... more) {
        var arguments = new ArrayList<>(List.of(line.split(" ")));
        arguments.addAll(List.of(more));
        Outcome outcome = run(arguments.toArray(String[]::new));
        if (outcome.code != 0) {
            throw new AssertionError(line + " ended with " + outcome.code + "\n" + outcome.out + outcome.err);
        }
        return outcome.out;
    }

    public Warehouse open() {
        return Warehouse.open(warehouse);
    }

    /** The warehouse, without a look at its tables, which takes seconds in a new session. */
    Warehouse at() {
        return Warehouse.at(warehouse);
    }

    /** The session of the application. */
    SparkSession session() {
        return at().spark();
    }

    /** The warehouse, as a command gets it. */
    public String place() {
        return warehouse;
    }

    /** The warehouse, if it is on the local disk. */
    public Path folder() {
        return Path.of(warehouse);
    }
}

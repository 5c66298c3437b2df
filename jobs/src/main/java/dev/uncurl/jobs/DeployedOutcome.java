package dev.uncurl.jobs;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.ByteArrayOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.apache.commons.io.output.TeeOutputStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.SparkConf;
import org.apache.spark.deploy.SparkHadoopUtil;

/**
 * The exit code and output of a command in deploy mode cluster, where the driver runs on a machine of the cluster. Spark reports
 * only whether the driver failed. So the driver writes this record to a file of the warehouse, and jobs/submit reads it: {@code spark-submit --class dev.uncurl.jobs.DeployedOutcome uncurl.jar FILE}.
 *
 * @param code exit code
 * @param out the last part of what it printed on standard output
 * @param err the same of standard error
 */
public record DeployedOutcome(int code, String out, String err) {
    /** System property of the driver: the file. */
    static final String FILE = "uncurl.outcome";

    /** When the driver left none, as after a kill: an input, its cluster, was lost. */
    private static final int NONE = 3;

    private static final JsonMapper JSON = JsonMapper.builder().build();

    /** Keeps the last bytes that were written. */
    static final class Tail extends OutputStream {
        private static final int MOST = 1 << 20;
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        @Override
        public synchronized void write(int one) {
            write(new byte[] {(byte) one}, 0, 1);
        }

        @Override
        public synchronized void write(byte[] from, int start, int length) {
            bytes.write(from, start, length);
            if (bytes.size() > 2 * MOST) {
                byte[] all = bytes.toByteArray();
                bytes.reset();
                bytes.write(all, all.length - MOST, MOST);
            }
        }

        synchronized String text() {
            return bytes.toString(StandardCharsets.UTF_8);
        }

        OutputStream beside(OutputStream stream) {
            return new TeeOutputStream(stream, this);
        }
    }

    /** In the driver: leaves the outcome, if the submitting machine waits for it. */
    static void leave(int code, Tail out, Tail err) {
        String file = System.getProperty(FILE);
        if (file == null) {
            return;
        }
        var path = new Path(file);
        try (var to = path.getFileSystem(hadoop()).create(path, true)) {
            to.write(JSON.writeValueAsBytes(new DeployedOutcome(code, out.text(), err.text())));
        } catch (IOException e) {
            System.err.println("uncurl: exit code " + code + " cannot be left in " + file + ": " + e.getMessage());
        }
    }

    private static Configuration hadoop() {
        return SparkHadoopUtil.get().newConfiguration(new SparkConf());
    }

    /** Reads the outcome and removes its file; empty if there is none. */
    static Optional<DeployedOutcome> take(String file) throws IOException {
        var path = new Path(file);
        var files = path.getFileSystem(hadoop());
        try (var from = files.open(path)) {
            var outcome = JSON.readValue(from.readAllBytes(), DeployedOutcome.class);
            files.delete(path, false);
            return Optional.of(outcome);
        } catch (FileNotFoundException e) {
            return Optional.empty();
        }
    }

    /** On the machine that submitted: prints what the driver printed, and ends with its code. */
    public static void main(String[] arguments) throws IOException {
        Optional<DeployedOutcome> outcome = take(arguments[0]);
        print(System.out, outcome.map(DeployedOutcome::out).orElse(""));
        print(
                System.err,
                outcome.map(DeployedOutcome::err)
                        .orElse("uncurl: the driver has left no exit code in " + arguments[0]
                                + ": it did not start, or was killed\n"
                                + "  See its log on the worker (work/driver-*/stderr), then run the same command again:"
                                + " finished outputs are kept.\n"));
        System.exit(outcome.map(DeployedOutcome::code).orElse(NONE));
    }

    private static void print(PrintStream stream, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        stream.write(bytes, 0, bytes.length);
        stream.flush();
    }
}

package dev.uncurl.jobs.cli;

import dev.uncurl.error.DeviceFailedException;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.output.StandardOutput;
import dev.uncurl.jobs.spark.Causes;
import dev.uncurl.jobs.warehouse.DamageDiagnosis;
import java.io.File;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.AccessDeniedException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.UnsupportedFileSystemException;
import org.apache.hadoop.security.AccessControlException;
import org.apache.spark.SparkException;
import org.apache.spark.sql.SparkSession;

/** Explains failures whose cause is outside of Uncurl: disk, network, memory, Spark's settings, damaged tables. */
public final class Failures {
    private static final long ALMOST_FULL = 32 << 20;

    private Failures() {}

    /**
     * Explains a failure. In this order: an error for the user somewhere among its causes, trouble of the machine or of
     * Spark's settings, a damaged file of the tables or a wrong clock.
     *
     * @return null when the failure is an error in Uncurl itself
     */
    public static UserError userError(Throwable failure) {
        List<Throwable> causes = Causes.of(failure);
        for (Throwable cause : causes) { // a UserError of a task reaches the driver inside Spark's exceptions
            if (cause instanceof UserError userError) {
                return userError;
            }
        }
        Optional<UserError> ofExecutors = ClusterFailures.userError(causes, Failures::setting);
        if (ofExecutors.isPresent()) {
            return ofExecutors.get();
        }
        for (Throwable cause : causes) {
            UserError userError = known(cause);
            if (userError != null) {
                return userError;
            }
        }
        return DamageDiagnosis.of(failure);
    }

    /** The value of a Spark property in this application, for a message. */
    private static String setting(String key) {
        String otherwise = Map.of(
                        "spark.executor.memory", "1g", "spark.task.maxFailures", "4", "spark.executor.cores", "all")
                .getOrDefault(key, "not set");
        return SparkSession.getDefaultSession().isDefined()
                ? SparkSession.getDefaultSession().get().conf().get(key, otherwise)
                : otherwise;
    }

    /** First non-blank line of the message; the class name when there is no message. */
    public static String firstLine(Throwable failure) {
        String message = failure.getMessage() == null ? "" : failure.getMessage();
        return message.lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty())
                .findFirst()
                .orElse(failure.getClass().getSimpleName());
    }

    private static UserError known(Throwable cause) {
        if (cause instanceof DeviceFailedException) {
            return ClusterFailures.deviceFailed(firstLine(cause), cause);
        }
        if (cause instanceof StandardOutput.Failure) {
            return UserError.input(
                    firstLine(cause),
                    "Make room where the output goes, then run the command again: finished outputs stay.",
                    cause);
        }
        if (cause instanceof StackOverflowError) {
            return UserError.usage(
                    "Something is nested too deeply: the stack of a thread is full",
                    "Make the statement or the input flatter, or give Java larger stacks (-Xss).",
                    cause);
        }
        if (cause instanceof OutOfMemoryError) {
            return outOfMemory(cause);
        }
        if (cause instanceof UnknownHostException) {
            return unknownHost(cause);
        }
        if (cause instanceof ConnectException) {
            return UserError.input(
                    "A server cannot be reached: " + firstLine(cause),
                    "Check the address and that the server runs, then run the command again.",
                    cause);
        }
        if (cause instanceof UnsupportedFileSystemException || isMissingFileSystem(cause)) {
            return UserError.usage(
                    "No library is installed for such paths: " + firstLine(cause),
                    "Correct the path, or add the library: jobs/submit --packages"
                            + " org.apache.hadoop:hadoop-aws:3.3.4 -- <command> for s3a.",
                    cause);
        }
        if (cause instanceof IOException || cause instanceof FSError) {
            return storage(cause);
        }
        return cause instanceof SparkException || cause instanceof IllegalStateException ? spark(cause) : null;
    }

    private static boolean isMissingFileSystem(Throwable cause) {
        return cause instanceof ClassNotFoundException
                && String.valueOf(cause.getMessage()).contains("FileSystem");
    }

    private static UserError outOfMemory(Throwable cause) {
        String message = firstLine(cause);
        boolean offHeap = message.contains("physicalBytes") || message.contains("totalBytes");
        return UserError.usage(
                "Out of memory: " + message,
                offHeap
                        ? "Make the batch smaller, or raise UNCURL_OFFHEAP of jobs/submit"
                                + " (-Dorg.bytedeco.javacpp.maxbytes)."
                        : String.format(
                                Locale.ROOT,
                                "The Java heap has %,d MB. Give it more (jobs/submit --driver-memory 6g -- <command>),"
                                        + " or run fewer tasks at a time (--master 'local[1]').",
                                Runtime.getRuntime().maxMemory() >> 20),
                cause);
    }

    private static UserError unknownHost(Throwable cause) {
        if (ownName() == null) {
            return UserError.input(
                    "The name of this machine does not resolve to an address: " + firstLine(cause),
                    "Set SPARK_LOCAL_IP=127.0.0.1 (for a cluster: an address that its machines can reach), or add the"
                            + " name to /etc/hosts.",
                    cause);
        }
        return UserError.input(
                "Unknown host: " + firstLine(cause), "Correct the name in the path or in Spark's settings.", cause);
    }

    private static String ownName() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return null;
        }
    }

    private static UserError storage(Throwable cause) {
        String message = firstLine(cause);
        if (message.contains("No space left on device") || message.contains("quota exceeded")) {
            return UserError.input(
                    "The disk is full: " + message + fullPlaces(),
                    "Free space there, then run the command again: finished outputs stay and are reused.",
                    cause);
        }
        if (message.contains("Read-only file system")) {
            return UserError.input(
                    "The disk is read-only: " + message, "Name a writable folder with --warehouse.", cause);
        }
        if (cause instanceof AccessDeniedException
                || cause instanceof AccessControlException
                || message.contains("Permission denied")
                || message.startsWith("Mkdirs failed")
                || cause instanceof FileNotFoundException && message.contains("(Not a directory)")) {
            return UserError.input(
                    "A file or folder cannot be used: " + message,
                    "Give this user the permission, or name another folder.",
                    cause);
        }
        return null;
    }

    /** Folders of Uncurl and Spark on disks without free space, for the message. */
    private static String fullPlaces() {
        Stream<String> folders = Stream.of(System.getProperty("java.io.tmpdir"));
        if (SparkSession.getDefaultSession().isDefined()) {
            var conf = SparkSession.getDefaultSession().get().conf();
            folders = Stream.of(
                    conf.get("spark.sql.catalog.uncurl.warehouse", "").replaceFirst("^file:/*", "/"),
                    conf.get("spark.local.dir", System.getProperty("java.io.tmpdir")));
        }
        String full = folders.map(File::new)
                .filter(folder -> folder.isDirectory() && folder.getUsableSpace() < ALMOST_FULL)
                .map(File::getPath)
                .distinct()
                .collect(Collectors.joining(", "));
        return full.isEmpty() ? "" : " (" + full + ")";
    }

    private static UserError spark(Throwable cause) {
        String message = firstLine(cause);
        if (message.contains("Could not parse Master URL") || message.contains("A master URL must be set")) {
            return UserError.usage(
                    "Spark has no usable master: " + message,
                    "Give one to jobs/submit or spark-submit: --master 'local[2]', spark://HOST:PORT, yarn.",
                    cause);
        }
        if (message.contains("Cannot call methods on a stopped SparkContext")) {
            return UserError.input(
                    "Spark has stopped: its master cannot be reached, or it ended the application",
                    "Check --master and the cluster's logs, then run the command again.",
                    cause);
        }
        if (message.contains("spark.driver.maxResultSize")) {
            return UserError.usage(
                    "The result is too large for the driver: " + message,
                    "Ask for fewer rows, print them with --csv, or raise --conf spark.driver.maxResultSize=4g.",
                    cause);
        }
        return null;
    }
}

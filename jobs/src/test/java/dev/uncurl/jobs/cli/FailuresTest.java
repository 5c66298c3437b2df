package dev.uncurl.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.Uncurl;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.nio.file.AccessDeniedException;
import org.apache.spark.SparkException;
import org.junit.jupiter.api.Test;

class FailuresTest {
    private static void assertUserError(Throwable failure, int code, String... parts) {
        UserError userError =
                Failures.userError(new IllegalStateException("a task failed", new RuntimeException(failure)));
        assertThat(userError).as(failure.toString()).isNotNull();
        assertThat(userError.kind().exitCode()).as(failure.toString()).isEqualTo(code);
        assertThat(userError.getMessage()).contains(parts).hasLineCount(2);
    }

    @Test
    void problemsOfTheMachineAreUserErrors() {
        assertUserError(new IOException("No space left on device"), 3, "The disk is full", "Free space");
        assertUserError(new UncheckedIOException(new IOException("x: Read-only file system")), 3, "read-only");
        assertUserError(new AccessDeniedException("/w/x"), 3, "/w/x", "permission");
        assertUserError(new ConnectException("refused"), 3, "cannot be reached");
        assertUserError(new IllegalArgumentException(new UnknownHostException("nohost")), 3, "nohost");
        assertUserError(new OutOfMemoryError("Java heap space"), 2, "Java heap space", "--driver-memory");
        assertUserError(new StackOverflowError(), 2, "nested");
        assertUserError(
                new RuntimeException(
                        new ClassNotFoundException("Class org.apache.hadoop.fs.s3a.S3AFileSystem not found")),
                2,
                "S3AFileSystem",
                "hadoop-aws");
        assertUserError(new SparkException("Could not parse Master URL: 'x'"), 2, "'x'", "--master");
    }

    @Test
    void lostAndFullExecutorsAreNoInternalErrors() {
        String aborted =
                "Job aborted due to stage failure: Task 0 in stage 1.0 failed 4 times, most recent failure: Lost task"
                        + " 0.3 in stage 1.0 (TID 7) (10.0.0.7 executor 3): ";
        assertUserError(
                new SparkException(aborted + "java.lang.OutOfMemoryError: Java heap space\n\tat x"),
                2,
                "executor 3 on 10.0.0.7: Java heap space",
                "spark.executor.memory = ");
        assertUserError(
                new SparkException(
                        aborted + "java.lang.OutOfMemoryError: Physical memory usage is too high: physicalBytes (5G)"),
                2,
                "executor 3 on 10.0.0.7",
                "-Dorg.bytedeco.javacpp.maxbytes in spark.executor.extraJavaOptions");
        String lost =
                aborted + "ExecutorLostFailure (executor 3 exited caused by one of the running tasks) Reason: Command"
                        + " exited with code ";
        assertUserError(new SparkException(lost + "52"), 2, "Java heap (exit code 52)", "spark.executor.memory = ");
        assertUserError(new SparkException(lost + "137"), 3, "killed (exit code 137)", "run the same command again");
        assertUserError(
                new SparkException(aborted
                        + "ExecutorLostFailure (executor 3 exited unrelated to the running tasks) Reason: worker lost"),
                3,
                "Executor 3 was lost",
                "worker lost",
                "spark.task.maxFailures");
        assertUserError(
                new SparkException(aborted + "java.lang.InternalError: The GPU of this executor has failed\n\tat x\n"
                        + "Caused by: dev.uncurl.error.DeviceFailedException: GPU 1 (H100) failed: copy\n\tat y"),
                3,
                "GPU 1 (H100) failed: copy\n",
                "Run the same command again");
        assertUserError(
                new SparkException(
                        "[SPARK-24819]: Barrier execution mode does not allow run a barrier stage that requires"
                                + " more slots than the total number of slots in the cluster currently."),
                2,
                "too few free slots",
                "verify cluster");
    }

    @Test
    void anErrorOfUncurlsOwnIsNone() {
        assertThat(Failures.userError(new IllegalStateException("x", new NullPointerException())))
                .isNull();
    }

    @Test
    void otherJavasAreRefusedByName() {
        assertThatThrownBy(() -> Uncurl.requireJava(25))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("Java 25")
                .hasMessageContaining("JDK 17");
    }
}

package dev.uncurl.jobs.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.collective.LostRankException;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.spark.GpuStage;
import java.util.List;
import org.apache.spark.SparkException;
import org.junit.jupiter.api.Test;

class RestartsTest {
    private static final String ABORTED =
            """
            Job aborted due to stage failure: Could not recover from a failed barrier ResultStage. Most recent failure reason: \
            Stage failed because barrier task ResultTask(3, 1) finished unsuccessfully.
            """;

    @Test
    void aLostExecutorOrRankIsAReasonAndItsLineIsTheMessage() {
        var executor = new SparkException(
                ABORTED + "ExecutorLostFailure (executor 1 exited caused by one of the running tasks) Reason: lost");
        assertThat(Restarts.lost(executor))
                .hasValue("ExecutorLostFailure (executor 1 exited caused by one of the running tasks) Reason: lost");
        var rank = new SparkException(ABORTED + LostRankException.class.getName()
                + ": Rank 1 on host b has left\n\tat dev.uncurl.jobs.cluster.Inbox.take(Inbox.java:1)");
        assertThat(Restarts.lost(new IllegalStateException("no", rank))).hasValue("Rank 1 on host b has left");
        var files = new SparkException(
                ABORTED + "org.apache.spark.shuffle.FetchFailedException: Failed to connect to /127.0.0.1:1");
        assertThat(Restarts.lost(files)).isPresent();
        var gpu = new SparkException(ABORTED + "java.lang.InternalError: " + GpuStage.FAILED
                + "\n\tat dev.uncurl.jobs.spark.GpuStage.failed(GpuStage.java:1)");
        assertThat(Restarts.lost(gpu)).isPresent();
        assertThat(Restarts.lost(new LostRankException(List.of(1), "Rank 1 hangs", null)))
                .isEmpty(); // of a thread of this process, which would hang again
    }

    @Test
    void anotherFailureIsNot() {
        assertThat(Restarts.lost(UserError.input("The disk is full", "Free space.")))
                .isEmpty();
        assertThat(Restarts.lost(new SparkException(ABORTED + "java.lang.IllegalStateException: 5")))
                .isEmpty();
        assertThat(Restarts.lost(new NullPointerException())).isEmpty();
    }

    @Test
    void thereAreAsManyRestartsAsConfigured() {
        var lost = new SparkException(ABORTED + "ExecutorLostFailure (executor 1 exited)");
        var restarts = new Restarts("train x", 2);
        assertThat(restarts.again(new NullPointerException(), "step 0")).isFalse();
        assertThat(restarts.again(lost, "step 0")).isTrue();
        assertThat(restarts.again(lost, "step 10")).isTrue();
        assertThat(restarts.again(lost, "step 10")).isFalse();
        assertThat(new Restarts("train x", 0).again(lost, "step 0")).isFalse();
    }
}

package dev.uncurl.jobs.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.uncurl.collective.Collectives;
import dev.uncurl.error.DeviceFailedException;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.tokenize.TokenizeFixture;
import java.io.IOException;
import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import org.apache.spark.SparkException;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.rdd.RDD;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Of two ranks one fails and the other one waits for it, and is heard first. */
@Tag("slow")
class RankFailuresTest {
    /** How a rank fails. */
    private interface Failure extends Serializable {
        Exception of(int rank);
    }

    /** The stage, whose ranks fail or wait for the others. */
    private static List<Integer> run(Failure failure) {
        RDD<Integer> rows = new JavaSparkContext(TokenizeFixture.spark().sparkContext())
                .parallelize(List.of(5, 6), 2)
                .rdd();
        return BarrierStage.run(
                rows,
                Duration.ofSeconds(60),
                (ranks, row) -> {
                    fail(ranks, failure.of(ranks.rank()));
                    ranks.barrier();
                    return row.next();
                },
                outcomes -> outcomes.toJavaRDD().collect());
    }

    private static void fail(Collectives ranks, Exception failure) throws Exception {
        if (failure != null) {
            ranks.close();
            Thread.sleep(500); // as a rank that closes its device, while Spark hears of the other one
            throw failure;
        }
    }

    @Test
    void aStageWithoutFailuresHasTheResultsOfItsRanks() {
        assertThat(run(rank -> null)).containsExactly(5, 6);
    }

    @Test
    void anErrorForTheUserComesWithTheRankThatHasIt() {
        UserError error = catchThrowableOfType(
                UserError.class, () -> run(rank -> rank == 1 ? UserError.input("The disk is full", "Free it.") : null));
        assertThat(error.kind()).isEqualTo(UserError.Kind.INPUT);
        assertThat(error).hasMessageMatching("Rank 1 on \\S+: The disk is full\n  Free it\\.");
    }

    @Test
    void anErrorOfAllRanksIsThrownAsItIs() {
        assertThatThrownBy(() -> run(rank -> UserError.usage("No GPU", "Install one.")))
                .isInstanceOf(UserError.class)
                .hasMessage("No GPU\n  Install one.");
    }

    @Test
    void anotherFailureIsThatOfTheRankAndWouldComeAgain() {
        var failure = catchThrowableOfType(
                RankFailedException.class, () -> run(rank -> rank == 0 ? new IOException("a bad file") : null));
        assertThat(failure)
                .hasMessageMatching("Rank 0 on \\S+: java\\.io\\.IOException: a bad file")
                .hasCauseInstanceOf(IOException.class);
        assertThat(Restarts.lost(failure)).isEmpty();
    }

    @Test
    void aGpuThatFailsIsALossWithItsReason() {
        var failure = catchThrowableOfType(
                RankFailedException.class,
                () -> run(rank -> rank == 0 ? new DeviceFailedException("GPU x: ECC error") : null));
        assertThat(Restarts.lost(new IllegalStateException(failure)))
                .hasValueSatisfying(line -> assertThat(line).matches("Rank 0 on \\S+: GPU x: ECC error"));
    }

    @Test
    void failuresThatFollowFromALostExecutorAreNotTheCause() {
        var lost = new SparkException("ExecutorLostFailure (executor 1 exited) Reason: lost");
        for (var own : List.of(UserError.input("no answer", "Wait."), new IllegalStateException("no answer"))) {
            try (var failures = RankFailures.listen()) {
                RankFailures.report(new RankFailure(failures.stage(), 0, "a", own));
                assertThat(failures.cause(lost)).isSameAs(lost);
            }
        }
        try (var failures = RankFailures.listen()) {
            assertThat(failures.cause(lost)).isSameAs(lost);
            RankFailures.report(new RankFailure(failures.stage(), 0, "a", new DeviceFailedException("ECC")));
            assertThat(failures.cause(lost)).hasMessage("Rank 0 on a: ECC");
        }
    }

    @Test
    void anExceptionThatCannotBeSerialisedIsReportedByItsText() {
        var failure = catchThrowableOfType(
                RankFailedException.class,
                () -> run(rank -> rank == 1 ? new Unserializable(new IOException("inner")) : null));
        assertThat(failure).hasMessageContaining("Unserializable: outer, caused by java.io.IOException: inner");
    }

    private static final class Unserializable extends Exception {
        @SuppressWarnings("unused")
        private final Object field = new Object();

        Unserializable(Exception cause) {
            super("outer", cause);
        }
    }
}

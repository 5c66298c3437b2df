package dev.uncurl.collective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What every implementation of {@link Collectives} does when ranks are lost or do not agree. */
public abstract class LostRanksContract {
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final Duration SHORT = Duration.ofMillis(700);

    /** @return [size] by rank; a thread of its own uses each */
    protected abstract List<? extends Collectives> open(int size, Duration deadline) throws Exception;

    final List<? extends Collectives> open(int size) throws Exception {
        return open(size, LONG);
    }

    @Test
    void aRankThatFailsEndsAllOthersAtOnce() throws Exception {
        for (String operation :
                List.of("allReduce", "allGather", "allToAll", "broadcast", "sum", "gather", "barrier")) {
            var atStep7 = new CountDownLatch(4);
            List<Throwable> failures = failures(open(4), ranks -> {
                ranks.barrier();
                ranks.at("step 7");
                atStep7.countDown();
                atStep7.await();
                if (ranks.rank() == 1) {
                    throw new IllegalStateException("a fault of rank 1");
                }
                call(operation, ranks);
                ranks.barrier();
                return null;
            });
            assertThat(failures.get(1)).hasMessage("a fault of rank 1");
            // the root of a broadcast goes on to the barrier
            assertLost(failures, 1, named(operation) + (operation.equals("broadcast") ? "|barrier" : ""));
        }
    }

    /** Long before the deadline, also for those that make the group when the rank has gone. */
    @Test
    @Timeout(40)
    void aRankThatIsGoneEndsAGroupThatIsMadeLater() throws Exception {
        var gone = new CountDownLatch(1);
        List<Throwable> failures = failures(open(3), ranks -> {
            ranks.at("step 7");
            if (ranks.rank() == 1) {
                ranks.close();
                gone.countDown();
                throw new IllegalStateException("a fault of rank 1");
            }
            gone.await();
            ranks.group(new int[] {0, 1, 2}).barrier();
            return null;
        });
        assertLost(failures, 1, "barrier");
    }

    @Tag("slow")
    @Test
    void aDeadlineThatPassesNamesTheRankThatIsMissing() throws Exception {
        for (String operation : List.of("allReduce", "allToAll", "sum", "barrier")) {
            var over = new CountDownLatch(3);
            List<Throwable> failures = failures(open(4, SHORT), ranks -> {
                ranks.barrier();
                ranks.at("step 7");
                if (ranks.rank() == 2) {
                    over.await();
                    throw new IllegalStateException("woke too late");
                }
                try {
                    call(operation, ranks);
                } finally {
                    over.countDown();
                }
                return null;
            });
            assertLost(failures, 2, named(operation));
        }
    }

    @Test
    void theRankThatAllWaitForIsNamedAndNotOneThatWaits() throws Exception {
        var over = new CountDownLatch(2);
        List<Throwable> failures = failures(open(3, SHORT), ranks -> {
            ranks.at("step 7");
            if (ranks.rank() == 2) {
                over.await();
                throw new IllegalStateException("woke too late");
            }
            Collectives two = ranks.group(new int[] {0, 1});
            try {
                // rank 1 waits for rank 0, which waits for rank 2
                (ranks.rank() == 0 ? ranks : two).barrier();
            } finally {
                over.countDown();
            }
            return null;
        });
        assertLost(failures, 2, "barrier");
    }

    private static String named(String operation) {
        return operation.equals("allReduce") ? "reduceScatter" : operation;
    }

    private static void call(String operation, Collectives ranks) {
        FloatRange values = FloatRange.allocate(400_000);
        long[] counts = {100_000, 100_000, 100_000, 100_000};
        switch (operation) {
            case "allReduce" -> ranks.allReduce(values);
            case "allGather" -> ranks.allGather(values, Bounds.of(counts));
            case "allToAll" -> ranks.allToAll(values, counts, FloatRange.allocate(400_000), counts);
            case "broadcast" -> ranks.broadcast(values, 0);
            case "sum" -> ranks.sum(new double[3]);
            case "gather" -> ranks.gather(new long[3]);
            default -> ranks.barrier();
        }
    }

    private static List<Throwable> failures(List<? extends Collectives> ranks, Crew.Work<?> work) {
        List<Throwable> failures = new ArrayList<>();
        Crew.outcomes(ranks, work).forEach(outcome -> failures.add(outcome.failure()));
        return failures;
    }

    private static void assertLost(List<Throwable> failures, int rank, String operation) {
        for (int i = 0; i < failures.size(); i++) {
            if (i != rank) {
                assertThat(failures.get(i))
                        .isInstanceOf(LostRankException.class)
                        .hasMessageContaining("ank " + rank)
                        .hasMessageContaining("step 7")
                        .hasMessageMatching("(?s).*(" + operation + ").*");
                assertThat(((LostRankException) failures.get(i)).ranks()).containsExactly(rank);
            }
        }
    }

    @Test
    void operationsThatDoNotFitTogetherAreReported() throws Exception {
        List<Throwable> kinds = failures(open(3), ranks -> {
            if (ranks.rank() == 1) {
                return ranks.gather(new long[1]);
            }
            return ranks.sum(new double[1]);
        });
        assertThat(kinds).allMatch(IllegalStateException.class::isInstance);
        assertThat(kinds.get(0)).hasMessageContaining("gather").hasMessageContaining("sum");
        List<Throwable> counts = failures(open(2), ranks -> {
            long[] two = {2, 2};
            long[] other = ranks.rank() == 0 ? two : new long[] {3, 2};
            ranks.allToAll(FloatRange.allocate(5), two, FloatRange.allocate(5), other);
            ranks.barrier();
            return null;
        });
        assertThat(counts).allMatch(IllegalStateException.class::isInstance);
        assertThat(counts.get(1)).hasMessageContaining("Rank 0 sends 2 floats to rank 1, which expects 3");
    }

    @Test
    void argumentsThatMakeNoSenseAreRefusedBeforeAnythingIsSent() throws Exception {
        Crew.run(open(2), ranks -> {
            FloatRange values = FloatRange.allocate(6);
            long[] even = {3, 3};
            assertRefused(() -> ranks.reduceScatter(values, new long[] {0, 6}));
            assertRefused(() -> ranks.allGather(values, new long[] {0, 4, 5}));
            assertRefused(() -> ranks.broadcast(values, 2));
            assertRefused(() -> ranks.allToAll(values, even, values, even));
            assertRefused(() -> ranks.allToAll(values, new long[] {5, 2}, FloatRange.allocate(6), even));
            assertRefused(() -> ranks.group(new int[] {1 - ranks.rank()}));
            assertRefused(() -> ranks.group(new int[] {0, 1, 1}));
            ranks.barrier();
            return null;
        });
    }

    private static void assertRefused(Runnable call) {
        assertThatThrownBy(call::run).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void nothingWorksAfterClose() throws Exception {
        Crew.run(open(2), ranks -> {
            ranks.barrier();
            ranks.close();
            assertThatThrownBy(ranks::barrier).isInstanceOf(RuntimeException.class);
            ranks.close();
            return null;
        });
    }
}

package dev.uncurl.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.uncurl.collective.Collectives;
import dev.uncurl.collective.Loopback;
import dev.uncurl.collective.LostRankException;
import dev.uncurl.model.spec.ElementRange;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Three blocks of 100 parameters and as many before them, on ranks that are threads. */
class GradientExchangeTest {
    private static final Duration LONG = Duration.ofSeconds(60);

    /** What a rank does between the beginning and the end of an exchange. */
    private interface Pass {
        void of(GradientExchange exchange, Collectives ranks) throws Exception;
    }

    private static List<Section> sections(Collectives ranks) {
        Collectives beside = ranks.group(new int[] {0, 1});
        var sections = new ArrayList<Section>();
        for (int layer = Section.EMBEDDINGS; layer < 3; layer++) {
            long from = 100L * (layer + 1);
            sections.add(Section.of(beside, new ElementRange(from, from + 100), layer));
        }
        return sections;
    }

    /** The failure of each of two ranks, or null. */
    private static List<Throwable> failures(Duration deadline, Pass pass) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try {
            var futures = new ArrayList<Future<Throwable>>();
            for (Collectives ranks : Loopback.ranks(2, deadline)) {
                futures.add(threads.submit(() -> catchThrowable(() -> step(ranks, pass))));
            }
            var failures = new ArrayList<Throwable>();
            for (Future<Throwable> future : futures) {
                failures.add(future.get());
            }
            return failures;
        } finally {
            threads.shutdownNow();
        }
    }

    private static void step(Collectives ranks, Pass pass) throws Exception {
        ranks.at("step 7");
        INDArray gradients = Nd4j.valueArrayOf(new long[] {400}, 1.0 + ranks.rank(), DataType.FLOAT);
        List<Section> sections = sections(ranks);
        try (ranks;
                var exchange = GradientExchange.begin(sections, () -> gradients, ranks, true)) {
            pass.of(exchange, ranks);
            var clock = new ExchangeClock(ranks);
            exchange.finish(clock);
            assertThat(clock.waitNanos()).isNotNegative();
            assertThat(clock.exchangeNanos()).isNotNegative();
            for (Section section : sections) {
                for (long i = section.slice().from(); i < section.slice().to(); i++) {
                    assertThat(gradients.getFloat(i)).isEqualTo(3);
                }
            }
        }
    }

    @AfterEach
    void noThreadIsLeft() {
        assertThat(Thread.getAllStackTraces().keySet())
                .extracting(Thread::getName)
                .noneMatch(name -> name.startsWith("gradients of rank"));
    }

    @Test
    void sectionsAreSummedWhenTheirBlocksAreDone() throws Exception {
        assertThat(failures(LONG, (exchange, ranks) -> {
                    for (int layer = 2; layer >= 0; layer--) {
                        exchange.done(layer);
                    }
                }))
                .containsOnlyNulls();
        assertThat(failures(LONG, (exchange, ranks) -> {})).containsOnlyNulls();
    }

    @Test
    void aRankThatFailsInItsPassIsNamedByTheOther() throws Exception {
        List<Throwable> failures = failures(LONG, (exchange, ranks) -> {
            exchange.done(2);
            exchange.done(1);
            if (ranks.rank() == 1) {
                throw new IllegalStateException("a fault of rank 1");
            }
        });
        assertThat(failures.get(1)).hasMessage("a fault of rank 1");
        assertLost(failures.get(0));
    }

    @Test
    void aRankThatDoesNotComeIsNamedWhenTheDeadlinePasses() throws Exception {
        var over = new CountDownLatch(1);
        List<Throwable> failures = failures(Duration.ofMillis(300), (exchange, ranks) -> {
            exchange.done(2);
            if (ranks.rank() == 1) {
                over.await();
                throw new IllegalStateException("woke too late");
            }
            try {
                while (true) {
                    exchange.done(0); // throws when the exchange has failed
                    Thread.sleep(5);
                }
            } finally {
                over.countDown();
            }
        });
        assertLost(failures.get(0));
        assertThat(failures.get(0)).hasMessageContaining("did not come within");
    }

    private static void assertLost(Throwable failure) {
        assertThat(failure)
                .isInstanceOf(LostRankException.class)
                .hasMessageContaining("ank 1")
                .hasMessageContaining("step 7")
                .hasMessageContaining("reduceScatter");
        assertThat(((LostRankException) failure).ranks()).containsExactly(1);
    }

    @Test
    void aRankThatIsCancelledWaitsNoLonger() throws Exception {
        var over = new CountDownLatch(1);
        List<Throwable> failures = failures(LONG, (exchange, ranks) -> {
            if (ranks.rank() == 1) {
                over.await();
                throw new IllegalStateException("not reached by rank 0");
            }
            Thread.currentThread().interrupt();
            try {
                exchange.finish(new ExchangeClock(ranks));
            } finally {
                assertThat(Thread.interrupted()).isTrue();
                over.countDown();
            }
        });
        assertThat(failures.get(0)).isInstanceOf(CancellationException.class);
    }
}

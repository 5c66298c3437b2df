package dev.uncurl.dl4j;

import dev.uncurl.collective.Collectives;
import java.util.function.Supplier;

/** Measures the time that a rank's computing thread spends in exchanges with others: waiting for them, and exchanging. */
final class ExchangeClock {
    private final Collectives ranks;
    private long nanos;
    private long waited;

    ExchangeClock(Collectives ranks) {
        this.ranks = ranks;
    }

    <T> T time(Supplier<T> exchange) {
        long start = System.nanoTime();
        long before = ranks.cost().waitNanos();
        try {
            return exchange.get();
        } finally {
            nanos += System.nanoTime() - start;
            waited += ranks.cost().waitNanos() - before;
        }
    }

    /** An exchange that another thread made while this one waited for it. @param waiting of it, for ranks that came later */
    void add(long exchange, long waiting) {
        nanos += exchange;
        waited += waiting;
    }

    void time(Runnable exchange) {
        time(() -> {
            exchange.run();
            return null;
        });
    }

    /** Nanoseconds of exchanges so far, without waiting. */
    long exchangeNanos() {
        return nanos - waited;
    }

    /** Nanoseconds so far in which this rank waited for ranks that came to an exchange later. */
    long waitNanos() {
        return waited;
    }
}

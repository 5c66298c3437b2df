package dev.uncurl.dl4j;

import java.util.function.Supplier;

/** Measures the time that a rank spends in exchanges with the others, waiting for them included. */
final class ExchangeClock {
    private long nanos;

    <T> T time(Supplier<T> exchange) {
        long start = System.nanoTime();
        try {
            return exchange.get();
        } finally {
            nanos += System.nanoTime() - start;
        }
    }

    void time(Runnable exchange) {
        time(() -> {
            exchange.run();
            return null;
        });
    }

    /** Nanoseconds so far. */
    long nanos() {
        return nanos;
    }
}

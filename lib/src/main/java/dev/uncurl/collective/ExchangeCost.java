package dev.uncurl.collective;

import java.util.concurrent.atomic.LongAdder;

/**
 * What the operations of a rank and its groups have cost so far.
 *
 * @param waitNanos nanoseconds in which the calling thread waited in operations for ranks that came to them later. An exchange
 *     that runs on another thread while this one computes is not counted
 * @param bytes of values that the rank sent to others, or, where ranks are threads of one JVM, read from their memory; without
 *     headers, from all threads. The sum over the ranks is the same in both cases
 */
public record ExchangeCost(long waitNanos, long bytes) {
    /** Adds up. Shared by a rank and its groups. */
    static final class Meter {
        private final ThreadLocal<long[]> waited = ThreadLocal.withInitial(() -> new long[1]);
        private final LongAdder bytes = new LongAdder();

        /** @param since the time at which the thread came, as of System.nanoTime; it ended its wait now */
        void waitedSince(long since) {
            waited.get()[0] += System.nanoTime() - since;
        }

        void moved(long count) {
            bytes.add(count);
        }

        ExchangeCost total() {
            return new ExchangeCost(waited.get()[0], bytes.sum());
        }
    }
}

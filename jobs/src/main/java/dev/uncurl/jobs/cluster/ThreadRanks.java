package dev.uncurl.jobs.cluster;

import dev.uncurl.collective.Collectives;
import dev.uncurl.collective.Loopback;
import dev.uncurl.collective.LostRankException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Runs ranks as threads of this process. */
public final class ThreadRanks {
    private ThreadRanks() {}

    /** What a rank does. */
    @FunctionalInterface
    public interface Work<T> {
        T of(Collectives ranks) throws Exception;
    }

    /**
     * Returns the results by rank. When a rank fails, the others end at their next exchange.
     *
     * @param deadline how long a rank waits for the others
     * @throws Exception of the rank that failed first, not that of one that waited for it
     */
    public static <T> List<T> run(int count, Duration deadline, Work<T> work) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(count);
        try {
            var futures = new ArrayList<Future<T>>();
            for (Collectives ranks : Loopback.ranks(count, deadline)) {
                futures.add(threads.submit(() -> {
                    try (ranks) {
                        return work.of(ranks);
                    }
                }));
            }
            return results(futures);
        } finally {
            threads.shutdownNow();
        }
    }

    private static <T> List<T> results(List<Future<T>> futures) throws Exception {
        var results = new ArrayList<T>();
        Throwable failure = null;
        for (Future<T> future : futures) {
            try {
                results.add(future.get());
            } catch (ExecutionException e) {
                boolean waited =
                        e.getCause() instanceof LostRankException || e.getCause() instanceof CancellationException;
                if (failure == null || !waited && failure instanceof LostRankException) {
                    failure = e.getCause();
                }
            }
        }
        if (failure == null) {
            return results;
        }
        throw failure instanceof Exception exception ? exception : new IllegalStateException(failure);
    }
}

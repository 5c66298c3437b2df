package dev.uncurl.collective;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Runs one thread for each rank. A rank that returns or throws closes its side, as a task does. */
public final class Crew {
    /** What one rank does. */
    public interface Work<T> {
        T run(Collectives ranks) throws Exception;
    }

    /** Either is null. */
    record Outcome<T>(T result, Throwable failure) {}

    private Crew() {}

    /** The results by rank; throws what the first rank that failed threw. */
    public static <T> List<T> run(List<? extends Collectives> ranks, Work<T> work) {
        var results = new ArrayList<T>();
        for (Outcome<T> one : outcomes(ranks, work)) {
            if (one.failure() != null) {
                throw new AssertionError("A rank failed: " + one.failure().getMessage(), one.failure());
            }
            results.add(one.result());
        }
        return results;
    }

    static <T> List<Outcome<T>> outcomes(List<? extends Collectives> ranks, Work<T> work) {
        ExecutorService threads = Executors.newFixedThreadPool(ranks.size());
        try {
            List<Future<T>> futures = new ArrayList<>();
            for (Collectives one : ranks) {
                futures.add(threads.submit(() -> {
                    try (one) {
                        return work.run(one);
                    }
                }));
            }
            var outcomes = new ArrayList<Outcome<T>>();
            for (Future<T> future : futures) {
                outcomes.add(outcome(future));
            }
            return outcomes;
        } finally {
            threads.shutdownNow();
        }
    }

    private static <T> Outcome<T> outcome(Future<T> future) {
        try {
            return new Outcome<>(future.get(), null);
        } catch (ExecutionException e) {
            return new Outcome<>(null, e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("The test was interrupted", e);
        }
    }
}

package dev.uncurl.dl4j;

import dev.uncurl.collective.Collectives;
import dev.uncurl.model.BackwardProgress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.Supplier;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Sums the gradients of one step over the ranks, by sections, in the order in which the backward pass completes them. Where that is
 * possible a thread does so while the pass goes on; it ends with the step, also with one that fails. The thread uses the sections'
 * ranks, which nobody else may use meanwhile.
 */
final class GradientExchange implements BackwardProgress, AutoCloseable {
    /** Before the backward pass has done any block. */
    private static final int NOTHING = Integer.MAX_VALUE;

    /** What a section's sum waited for ranks that came later, as of System.nanoTime. */
    private record Wait(long since, long nanos) {
        long after(long time) {
            return Math.max(0, since + nanos - Math.max(time, since));
        }
    }

    private final List<Section> order;
    private final Supplier<INDArray> gradients;
    private final Collectives ranks;
    private final List<Wait> waits = new ArrayList<>();
    /** Null if everything is exchanged after the pass. */
    private final Thread thread;

    private int done = NOTHING;
    private boolean abandoned;
    private Throwable failure;

    private GradientExchange(List<Section> sections, Supplier<INDArray> gradients, Collectives ranks, boolean beside) {
        order = Section.byCompletion(sections);
        this.gradients = gradients;
        this.ranks = ranks;
        boolean early = order.stream().anyMatch(section -> section.layer() != Section.EMBEDDINGS);
        thread = beside && early ? new Thread(this::run, "gradients of rank " + ranks.rank()) : null;
    }

    /**
     * @param gradients flat, of this rank; not asked for before a block is done
     * @param ranks all of them
     * @param beside whether to exchange while the pass goes on; does not change a bit
     */
    static GradientExchange begin(
            List<Section> sections, Supplier<INDArray> gradients, Collectives ranks, boolean beside) {
        var exchange = new GradientExchange(sections, gradients, ranks, beside);
        if (exchange.thread != null) {
            exchange.thread.setDaemon(true);
            exchange.thread.start();
        }
        return exchange;
    }

    private void run() {
        try {
            for (Section section : order) {
                if (!await(section.layer())) {
                    return;
                }
                long since = System.nanoTime();
                long before = ranks.cost().waitNanos();
                section.reduceScatter(gradients.get());
                waits.add(new Wait(since, ranks.cost().waitNanos() - before));
            }
        } catch (RuntimeException | Error e) {
            fail(e);
        }
    }

    /** Returns false if there is no need to go on. */
    private synchronized boolean await(int layer) {
        try {
            while (done > layer && !abandoned) {
                wait();
            }
            return !abandoned;
        } catch (InterruptedException e) {
            throw new CancellationException("Interrupted before the gradients of block " + layer + " were exchanged");
        }
    }

    private synchronized void fail(Throwable cause) {
        failure = cause;
    }

    /** @throws RuntimeException of the exchange, if it has failed: so the step ends at once */
    @Override
    public synchronized void done(int layer) {
        rethrow();
        done = layer;
        notifyAll();
    }

    private synchronized void rethrow() {
        if (failure instanceof Error error) {
            throw error;
        }
        if (failure != null) {
            throw (RuntimeException) failure;
        }
    }

    /**
     * All gradients are final: returns when this rank has all sums.
     *
     * @param clock gets the time from now on, which no computation hides
     */
    void finish(ExchangeClock clock) {
        if (thread == null) {
            clock.time(() -> order.forEach(section -> section.reduceScatter(gradients.get())));
            return;
        }
        long begin = System.nanoTime();
        done(Section.EMBEDDINGS);
        join();
        rethrow();
        long nanos = System.nanoTime() - begin;
        long waited = waits.stream().mapToLong(wait -> wait.after(begin)).sum();
        clock.add(nanos, Math.min(nanos, waited));
    }

    /**
     * Ends the thread, if {@link #finish} has not. A sum that it has begun goes on to its end, as other ranks may be reading this
     * rank's gradients; it ends for all when a rank is lost.
     */
    @Override
    public void close() {
        synchronized (this) {
            abandoned = true;
            notifyAll();
        }
        if (thread != null) {
            join();
        }
    }

    private void join() {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
                thread.interrupt(); // its wait for other ranks ends, as that of this thread would
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}

package dev.uncurl.kernel.vector;

import dev.uncurl.kernel.Matrix;
import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * A caller and its worker threads. Work is a number of independent jobs, which free threads take in order, so a job's
 * result must not depend on the thread that runs it. Between calls, workers spin briefly and then park. A call from
 * inside a job runs immediately on the same thread. One caller at a time.
 *
 * <p>Workers are daemon threads and stop at {@link #close()}, or when the pool is garbage-collected.
 */
final class WorkerPool implements AutoCloseable {
    /** One of the independent jobs of a call. */
    interface Job {
        /** @param worker index of the thread, below {@link WorkerPool#threads()}; selects its scratch memory */
        void run(int index, int worker);
    }

    /** A job over a range of indices. */
    interface Range {
        /** @param worker as in {@link Job#run} */
        void run(int from, int to, int worker);
    }

    /**
     * Spin time before parking: the next kernel usually follows within microseconds, and waking a thread takes tens of
     * them.
     */
    private static final long PATIENCE_NANOS = 50_000;

    private static final int PIECE = 1 << 14;

    private static final Cleaner CLEANER = Cleaner.create();

    private final int threads;
    private final Board board;
    private final Cleaner.Cleanable cleanable;
    private boolean calling;

    /** @param threads number of threads, including the caller */
    WorkerPool(int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("A pool of " + threads + " threads; it needs at least its caller");
        }
        this.threads = threads;
        board = new Board(threads - 1);
        cleanable = CLEANER.register(this, board::close);
    }

    int threads() {
        return threads;
    }

    /** Index of the current thread in the pool; 0 for the caller. */
    int worker() {
        return Thread.currentThread() instanceof Helper helper && helper.board == board ? helper.worker : 0;
    }

    /** Runs jobs and returns when all have finished; then throws what a job has thrown. */
    void run(int jobs, Job job) {
        int worker = worker();
        if (threads == 1 || jobs == 1 || calling || worker > 0) {
            for (int index = 0; index < jobs; index++) {
                job.run(index, worker);
            }
            return;
        }
        if (jobs > 0) {
            calling = true;
            try {
                board.post(new Round(jobs, job));
            } finally {
                calling = false;
            }
        }
    }

    /** Divides indices into ranges of {@code step}, the last one shorter. The ranges depend on the length alone. */
    void split(int length, int step, Range range) {
        run(
                (length + step - 1) / step,
                (index, worker) -> range.run(index * step, Math.min(length, (index + 1) * step), worker));
    }

    /** {@link #split} over the rows of a matrix, in ranges of some tens of kilobytes. */
    void rows(Matrix matrix, Range range) {
        split(matrix.rows(), Math.max(1, PIECE / Math.max(1, matrix.columns())), range);
    }

    /** Stops the workers; the pool must not be used afterwards. */
    @Override
    public void close() {
        cleanable.clean();
    }

    /** One call: the jobs, how many are taken and how many done. */
    private static final class Round {
        private final int jobs;
        private final Thread caller = Thread.currentThread();
        private final AtomicInteger taken = new AtomicInteger();
        private final AtomicInteger done = new AtomicInteger();
        private final AtomicReference<Throwable> failure = new AtomicReference<>();
        private Job job;

        Round(int jobs, Job job) {
            this.jobs = jobs;
            this.job = job;
        }

        void work(int worker) {
            for (int index = taken.getAndIncrement(); index < jobs; index = taken.getAndIncrement()) {
                try {
                    job.run(index, worker);
                } catch (Throwable thrown) {
                    failure.compareAndSet(null, thrown);
                }
                if (done.incrementAndGet() == jobs) {
                    LockSupport.unpark(caller);
                }
            }
        }

        void await() {
            long since = System.nanoTime();
            while (done.get() < jobs) {
                if (System.nanoTime() - since < PATIENCE_NANOS) {
                    Thread.onSpinWait();
                } else {
                    LockSupport.park(this);
                }
            }
            // a worker keeps a reference to the round until the next one; it must not keep the job's objects alive
            job = null;
        }

        void rethrow() {
            Throwable thrown = failure.get();
            if (thrown instanceof Error error) {
                throw error;
            }
            if (thrown != null) {
                throw (RuntimeException) thrown;
            }
        }
    }

    /**
     * The state that workers read. It has no reference to the pool, so that an unused pool can be garbage-collected.
     */
    private static final class Board {
        private final Helper[] helpers;
        private volatile Round round;
        private volatile boolean closed;

        Board(int count) {
            helpers = new Helper[count];
            for (int i = 0; i < count; i++) {
                helpers[i] = new Helper(this, i + 1);
                helpers[i].start();
            }
        }

        void post(Round next) {
            if (closed) {
                throw new IllegalStateException("These kernels are closed");
            }
            round = next;
            wake();
            next.work(0);
            next.await();
            next.rethrow();
        }

        void close() {
            closed = true;
            wake();
        }

        private void wake() {
            for (Helper helper : helpers) {
                LockSupport.unpark(helper);
            }
        }
    }

    private static final class Helper extends Thread {
        private final Board board;
        private final int worker;

        Helper(Board board, int worker) {
            super("uncurl-kernels-" + worker);
            setDaemon(true);
            this.board = board;
            this.worker = worker;
        }

        @Override
        public void run() {
            Round last = null;
            long since = System.nanoTime();
            while (!board.closed) {
                Round round = board.round;
                if (round != last) {
                    round.work(worker);
                    last = round;
                    since = System.nanoTime();
                } else if (System.nanoTime() - since < PATIENCE_NANOS) {
                    Thread.onSpinWait();
                } else {
                    LockSupport.park(board);
                    since = System.nanoTime();
                }
            }
        }
    }
}

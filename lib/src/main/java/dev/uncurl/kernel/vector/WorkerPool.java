package dev.uncurl.kernel.vector;

import dev.uncurl.kernel.Matrix;
import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * A caller and the threads that help it. Work is given as a number of independent jobs, which whoever is free takes in
 * order; so what a job computes must not depend on who runs it. Between two calls the helpers wait a moment and then
 * park. A call from inside a job runs there and then. One caller at a time.
 *
 * <p>The helpers are daemons and end with {@link #close()}, or when nobody holds the team any more.
 */
final class WorkerPool implements AutoCloseable {
    /** One of the independent pieces of a call. */
    interface Job {
        /** @param worker below {@link WorkerPool#threads()}: whose scratch memory to use */
        void run(int index, int worker);
    }

    /** A piece of a long row of things. */
    interface Range {
        /** @param worker as in {@link Job#run} */
        void run(int from, int to, int worker);
    }

    /** The next kernel mostly follows within microseconds, and waking a parked thread takes tens of them. */
    private static final long PATIENCE_NANOS = 50_000;

    private static final int PIECE = 1 << 14;

    private static final Cleaner CLEANER = Cleaner.create();

    private final int threads;
    private final Board board;
    private final Cleaner.Cleanable cleanable;
    private boolean calling;

    /** @param threads the caller among them */
    WorkerPool(int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("A team of " + threads + " threads; it needs at least its caller");
        }
        this.threads = threads;
        board = new Board(threads - 1);
        cleanable = CLEANER.register(this, board::close);
    }

    int threads() {
        return threads;
    }

    /** Which of the team the current thread is. */
    int worker() {
        return Thread.currentThread() instanceof Helper helper && helper.board == board ? helper.worker : 0;
    }

    /** Returns when all jobs are done; what a job throws, it throws, when the others are done. */
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

    /** Jobs over pieces of {@code step}, the last one shorter: the pieces depend on the length alone. */
    void split(int length, int step, Range range) {
        run(
                (length + step - 1) / step,
                (index, worker) -> range.run(index * step, Math.min(length, (index + 1) * step), worker));
    }

    /** {@link #split} of rows, in pieces of some tens of kilobytes. */
    void rows(Matrix matrix, Range range) {
        split(matrix.rows(), Math.max(1, PIECE / Math.max(1, matrix.columns())), range);
    }

    /** Ends the helpers; the team must not be used any more. */
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
            // a helper keeps the round until the next; it must not keep what the job refers to
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

    /** Where the helpers look for work; it does not know the team, so that an abandoned team can be found. */
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

package dev.uncurl.jobs.warehouse;

import dev.uncurl.error.UserError;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Excludes other runs from an output until it is closed: a small file that the run writes again and again. A file that has not been
 * written for the lease's length is of a dead run, and so is one of a process of this machine that does not exist any more. Works
 * alike on every file system; uses no lock.
 *
 * <p>A run that was paused for longer loses its lease. It learns that before it commits ({@link #require}). What it had begun to
 * commit fails by itself: commits to tables are refused when another run has changed the same rows, and files of models move from a
 * folder that the next run has deleted (see {@link dev.uncurl.checkpoint.ModelStaging}).
 */
public final class OutputLease implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(OutputLease.class);

    /**
     * @param length after which a lease that was not renewed is over
     * @param renewal time between renewals
     * @param look time between looks at a lease of another machine that may be dead: such a lease is waited for until it is renewed
     *     or over; 0 for no wait
     */
    record Terms(Duration length, Duration renewal, Duration look) {
        static final Terms USUAL = new Terms(Duration.ofSeconds(60), Duration.ofSeconds(10), Duration.ofSeconds(1));
    }

    private final LeaseFiles files;
    private final Terms terms;
    private final String what;
    private final LeaseHolder holder;
    private final int number;
    private final Thread renewals;
    private boolean lost;
    private boolean closed;

    private OutputLease(LeaseFiles files, Terms terms, String what, LeaseHolder holder, int number) {
        this.files = files;
        this.terms = terms;
        this.what = what;
        this.holder = holder;
        this.number = number;
        this.renewals = new Thread(this::keepRenewing, "lease of " + what);
        renewals.setDaemon(true);
    }

    /**
     * Takes the lease of an output.
     *
     * @param folder of all leases of the warehouse
     * @throws UserError (conflict) when another run has it
     */
    static OutputLease take(FileSystem fs, Path folder, Terms terms, String... output) {
        var files = new LeaseFiles(fs, folder, PathName.of(output));
        String what = String.join(" ", output);
        LeaseHolder holder = LeaseHolder.here();
        try {
            List<LeaseFiles.Found> before = files.list();
            for (LeaseFiles.Found other : before) {
                if (!isOver(files, other, terms) && !ends(files, other, what, terms)) {
                    throw taken(files, other, what, terms);
                }
            }
            int number = before.isEmpty() ? 1 : before.get(0).number() + 1;
            boolean created = files.create(number, holder);
            requireAlone(files, before, number, created ? holder : null, what, terms);
            for (LeaseFiles.Found over : before) {
                files.delete(over);
            }
            var lease = new OutputLease(files, terms, what, holder, number);
            lease.renewals.start();
            return lease;
        } catch (IOException e) {
            throw new UncheckedIOException("taking the lease of " + what + " in " + folder, e);
        }
    }

    static boolean isOver(LeaseFiles files, LeaseFiles.Found lease, Terms terms) throws IOException {
        return lease.holder().map(LeaseHolder::isDead).orElse(false)
                || files.age(lease).compareTo(terms.length) > 0;
    }

    /**
     * Waits for a lease of another machine, which may be that of a driver that died there and was started again here.
     *
     * @return false if it is renewed
     */
    private static boolean ends(LeaseFiles files, LeaseFiles.Found lease, String what, Terms terms) throws IOException {
        if (terms.look.isZero() || lease.holder().map(LeaseHolder::isHere).orElse(false)) {
            return false;
        }
        LOG.info("{} is or was written by {}; waiting until its lease is renewed or over", what, describe(lease));
        while (!isOver(files, lease, terms)) {
            try {
                Thread.sleep(terms.look.toMillis());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
            Optional<LeaseFiles.Found> now = files.list().stream()
                    .filter(found -> found.number() == lease.number())
                    .findFirst();
            if (now.isEmpty()) {
                return true;
            }
            if (!now.get().equals(lease)) {
                return false;
            }
        }
        return true;
    }

    private static String describe(LeaseFiles.Found lease) {
        return lease.holder().map(LeaseHolder::toString).orElse("an unknown process");
    }

    /** Looks again, for others that took the lease at the same moment. @param holder null if the file was there already */
    private static void requireAlone(
            LeaseFiles files, List<LeaseFiles.Found> over, int number, LeaseHolder holder, String what, Terms terms)
            throws IOException {
        List<Integer> known = over.stream().map(LeaseFiles.Found::number).toList();
        LeaseFiles.Found own = null;
        for (LeaseFiles.Found found : files.list()) {
            if (holder != null && found.number() == number && found.isOf(holder)) {
                own = found;
            } else if (!known.contains(found.number())) {
                if (own != null) {
                    files.delete(own);
                }
                throw taken(files, found, what, terms);
            }
        }
        if (own == null) {
            throw UserError.held("Another run was taking " + what + " at the same moment", "Run the command again.");
        }
    }

    private static UserError taken(LeaseFiles files, LeaseFiles.Found lease, String what, Terms terms)
            throws IOException {
        long rest = Math.max(1, terms.length.minus(files.age(lease)).toSeconds());
        return UserError.held(
                "Another run is writing " + what + ": " + describe(lease) + " (lease " + lease.path() + ")",
                String.format(
                        Locale.ROOT,
                        "Wait for it, or name another output or --warehouse. If it was killed, its lease ends in %d s.",
                        rest));
    }

    private synchronized void keepRenewing() {
        while (!closed && !lost) {
            try {
                wait(terms.renewal.toMillis());
                renew();
            } catch (InterruptedException e) {
                return; // the process ends
            } catch (IOException | RuntimeException e) {
                LOG.warn("The lease of {} could not be renewed; trying again: {}", what, e.toString());
            }
        }
    }

    /** @return false if the lease is closed or lost */
    private synchronized boolean renew() throws IOException {
        if (closed || lost) {
            return false;
        }
        List<LeaseFiles.Found> found = files.list();
        lost = found.isEmpty()
                || found.get(0).number() != number
                || found.get(0).holder().isPresent() && !found.get(0).isOf(holder);
        if (!lost) {
            files.renew(number, holder);
        }
        return !lost;
    }

    /**
     * Requires, before something is committed, that this run still has the lease.
     *
     * @throws UserError (conflict) when another run has taken over, because this one was paused for too long
     */
    void require() {
        try {
            if (!renew()) {
                throw UserError.conflict(
                        "This run was paused, or did not reach the storage, for longer than " + terms.length.toSeconds()
                                + " s, and another run has taken over " + what,
                        "Let that run finish.");
            }
        } catch (IOException e) {
            throw new UncheckedIOException("renewing the lease of " + what, e);
        }
    }

    synchronized boolean isClosed() {
        return closed;
    }

    /** Ends the lease. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        notifyAll();
        try {
            for (LeaseFiles.Found found : files.list()) {
                if (found.isOf(holder)) {
                    files.delete(found);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("ending the lease of " + what, e);
        }
    }
}

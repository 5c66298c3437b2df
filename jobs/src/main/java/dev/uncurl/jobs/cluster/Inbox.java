package dev.uncurl.jobs.cluster;

import dev.uncurl.collective.FloatRange;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * What has come to a rank and what it waits for. Threads of the network put messages in and never wait; the rank's own
 * threads wait.
 */
final class Inbox {
    /** How often a waiting rank looks whether it is to go on. */
    private static final long LOOK_NANOS = 250_000_000;

    private record Small(Operation operation, byte[] body) {}

    private final Map<Tag, Incoming> expected = new HashMap<>();
    private final Map<Tag, Small> early = new HashMap<>();
    private final Map<Tag, Header> ready = new HashMap<>();
    private final Set<Integer> known = new HashSet<>();
    private final Set<Integer> left = new HashSet<>();
    private final List<Supplier<List<Integer>>> waits = new ArrayList<>();
    private final BooleanSupplier stopped;
    private final Consumer<Loss> onLoss;
    private Peers peers;
    private Loss loss;
    private boolean leaving;

    /**
     * @param stopped whether this rank's task has been cancelled; Spark does not always interrupt its thread
     * @param onLoss called once, when this rank finds that the run is over and the others may not know
     */
    Inbox(Peers peers, BooleanSupplier stopped, Consumer<Loss> onLoss) {
        this.peers = peers;
        this.stopped = stopped;
        this.onLoss = onLoss;
    }

    synchronized void know(Peers all) {
        peers = all;
    }

    /** Names where a transfer goes. What has come early is there at once. */
    synchronized Incoming expect(Tag tag, Operation operation, FloatRange target) {
        var incoming = new Incoming(operation, target);
        Small small = early.remove(tag);
        if (small != null) {
            fill(tag, incoming, small.operation(), ByteBuffer.wrap(small.body()));
        } else {
            expected.put(tag, incoming);
        }
        return incoming;
    }

    synchronized void forget(Tag tag) {
        Incoming incoming = expected.remove(tag);
        if (incoming != null) {
            incoming.cancel();
        }
    }

    private void fill(Tag tag, Incoming incoming, Operation operation, ByteBuffer body) {
        if (fits(tag.sender(), operation, body.remaining(), incoming)) {
            incoming.fill(body);
        }
    }

    private boolean fits(int sender, Operation operation, long bytes, Incoming incoming) {
        if (operation != incoming.operation()) {
            lose(peers.differ(sender, operation, incoming.operation()), true);
            return false;
        }
        if (bytes != incoming.bytes()) {
            lose(peers.lengthsDiffer(sender, bytes, peers.rank(), incoming.bytes()), true);
            return false;
        }
        return true;
    }

    /** A whole transfer has come. */
    synchronized void small(Header header, ByteBuffer body) {
        Incoming incoming = expected.remove(header.tag());
        if (incoming != null) {
            fill(header.tag(), incoming, header.operation(), body);
        } else {
            byte[] copy = new byte[body.remaining()];
            body.get(copy);
            early.put(header.tag(), new Small(header.operation(), copy));
        }
        notifyAll();
    }

    /** Where a piece of a large transfer goes. */
    synchronized Incoming incoming(Header header) {
        Incoming incoming = expected.get(header.tag());
        if (incoming == null || !fits(header.tag().sender(), header.operation(), header.total(), incoming)) {
            throw new IllegalStateException("Rank " + peers.rank() + " did not ask for " + header);
        }
        return incoming;
    }

    synchronized void arrived(Header header, Incoming incoming, long bytes) {
        incoming.arrived(bytes);
        if (incoming.complete()) {
            expected.remove(header.tag());
            notifyAll();
        }
    }

    synchronized void ready(Header header) {
        ready.put(header.tag(), header);
        notifyAll();
    }

    synchronized boolean hasSmall(Tag tag) {
        return early.containsKey(tag);
    }

    /** Removes and gives the body of a small transfer that has come. */
    synchronized byte[] take(Tag tag, Operation operation) {
        Small small = early.remove(tag);
        if (small.operation() != operation) {
            lose(peers.differ(tag.sender(), small.operation(), operation), true);
        }
        return small.body();
    }

    /** @param tag of a transfer from here, with its receiver in the place of the sender */
    synchronized boolean isReady(Tag tag) {
        return ready.containsKey(tag);
    }

    /** Uses up that the receiver of a transfer is ready, and compares what both know of it. */
    synchronized void begin(Tag tag, Operation operation, long bytes) {
        Header header = ready.remove(tag);
        if (header.operation() != operation) {
            lose(peers.differ(tag.sender(), header.operation(), operation), true);
        } else if (header.total() != bytes) {
            lose(peers.lengthsDiffer(peers.rank(), bytes, tag.sender(), header.total()), true);
        }
    }

    synchronized void met(int rank) {
        known.add(rank);
        notifyAll();
    }

    synchronized boolean hasMet(int rank) {
        return known.contains(rank);
    }

    /** A rank has closed its side. @return whether this one is doing so too */
    synchronized boolean left(int rank) {
        left.add(rank);
        notifyAll();
        return leaving;
    }

    /** This rank begins to close its side. @return the ranks that have not */
    synchronized List<Integer> leave() {
        leaving = true;
        return IntStream.range(0, peers.size())
                .filter(rank -> rank != peers.rank() && known.contains(rank) && !left.contains(rank))
                .boxed()
                .toList();
    }

    /** Waits until these ranks have closed their sides, but not for long. */
    synchronized void awaitLeft(Set<Integer> ranks, int millis) {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        try {
            while (!left.containsAll(ranks) && System.nanoTime() < end) {
                TimeUnit.NANOSECONDS.timedWait(this, Math.max(1, end - System.nanoTime()));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** A connection from a rank has broken; expected where that rank has closed its side, or this one does. */
    synchronized void broken(int rank, String how) {
        if (!leaving && !left.contains(rank)) {
            lose(new Loss(List.of(rank), "The connection to " + peers.name(rank) + " has broken" + how), true);
        }
        notifyAll();
    }

    /** A rank has gone without everything that was sent to it. */
    synchronized void undelivered(int rank, String how) {
        String what = left.contains(rank) ? Loss.LEFT + " before it had everything" + how : " cannot be reached" + how;
        lose(new Loss(List.of(rank), peers.names(List.of(rank)) + what), true);
    }

    /** Ends the run. @param found by this rank, which has to tell the others */
    synchronized void lose(Loss reason, boolean found) {
        if (loss == null) {
            loss = reason;
            if (found) {
                onLoss.accept(reason);
            }
        }
        notifyAll();
    }

    /** The rank closes its side: no memory is written from now on, and threads that still wait fail. */
    synchronized void close() {
        expected.values().forEach(Incoming::cancel);
        expected.clear();
        lose(new Loss(List.of(peers.rank()), "Rank " + peers.rank() + " has closed its side"), false);
    }

    /** Makes waiting threads look again. */
    synchronized void wake() {
        notifyAll();
    }

    /** Why the run is over, or null. */
    synchronized Loss loss() {
        return loss;
    }

    /** Throws when the run is over. @param place what this rank is doing, for the message */
    synchronized void check(String place) {
        if (loss != null) {
            throw loss.exception(place);
        }
    }

    /** A thread begins to wait for these ranks. */
    synchronized void begins(Supplier<List<Integer>> missing) {
        waits.add(missing);
    }

    synchronized void ends(Supplier<List<Integer>> missing) {
        waits.remove(missing);
    }

    /** The ranks that this rank's threads wait for now. */
    synchronized List<Integer> waitedFor() {
        return waits.stream().flatMap(one -> one.get().stream()).distinct().toList();
    }

    /**
     * Waits until nothing is missing.
     *
     * @param over whether the wait is over
     * @param missing the ranks for which it waits, or will have to
     * @param fromThem whether those ranks are to send something, which they cannot do after they have closed their side;
     *     a confirmation may still come, on the other connection
     * @param place what this rank is doing, for messages
     * @return whether all is there; false when the deadline has passed
     */
    synchronized boolean await(
            BooleanSupplier over, Supplier<List<Integer>> missing, boolean fromThem, Duration deadline, String place) {
        long end = System.nanoTime() + deadline.toNanos();
        try {
            while (true) {
                check(place);
                if (over.getAsBoolean()) {
                    return true;
                }
                List<Integer> gone =
                        missing.get().stream().filter(left::contains).toList();
                if (fromThem && !gone.isEmpty()) {
                    lose(new Loss(gone, peers.names(gone) + Loss.LEFT), true);
                    continue;
                }
                long remaining = end - System.nanoTime();
                if (remaining <= 0) {
                    return false;
                }
                if (stopped.getAsBoolean()) {
                    throw new CancellationException("The task was cancelled: " + place);
                }
                TimeUnit.NANOSECONDS.timedWait(this, Math.min(remaining, LOOK_NANOS));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException("The task was cancelled: " + place);
        }
    }
}

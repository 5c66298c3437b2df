package dev.uncurl.jobs.cluster;

import dev.uncurl.collective.FloatRange;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.apache.spark.SparkConf;
import org.apache.spark.network.buffer.NettyManagedBuffer;
import org.apache.spark.network.buffer.NioManagedBuffer;
import org.apache.spark.network.client.RpcResponseCallback;
import org.apache.spark.network.sasl.SecretKeyHolder;

/**
 * Messages of one rank to all others and what it waits for. Each rank opens one connection to each other rank, on which
 * it sends; so each pair has two.
 */
final class Wire implements AutoCloseable {
    /** How long a closing rank waits for the others to know of it. */
    private static final int LEAVE_MILLIS = 2000;

    /** How long a rank has to say what it waits for. Its network thread answers, also while it computes. */
    private static final int STATUS_MILLIS = 2000;

    private final long run;
    private final Duration deadline;
    private final Inbox inbox;
    private final Attendance attendance = new Attendance();
    private final Connections connections;
    private final AtomicLong payload = new AtomicLong();
    private volatile Peers peers;
    /** Counts those who are still to confirm that the run is over; null while it is not. */
    private volatile CountDownLatch telling;

    private boolean closed;

    /**
     * Begins to listen.
     *
     * @param keys with Spark's secret, if connections are to be authenticated
     * @param run a number that is the same on all ranks, and another for every other run
     * @param deadline of every wait
     * @param stopped whether the rank's task has been cancelled, so that it waits no longer
     */
    Wire(
            SparkConf conf,
            Optional<SecretKeyHolder> keys,
            long run,
            String host,
            int rank,
            int size,
            Duration deadline,
            BooleanSupplier stopped) {
        this.run = run;
        this.deadline = deadline;
        this.peers = Peers.unknown(rank, size);
        this.inbox = new Inbox(peers, stopped, this::tell);
        this.connections = new Connections(conf, keys, host, size, new WireHandler(run, size, inbox, attendance));
    }

    int port() {
        return connections.port();
    }

    int rank() {
        return peers.rank();
    }

    int size() {
        return peers.size();
    }

    Inbox inbox() {
        return inbox;
    }

    Attendance attendance() {
        return attendance;
    }

    /** Bytes of floats and of numbers that this rank has sent, without headers. */
    long payload() {
        return payload.get();
    }

    /** Connects to all other ranks and waits until all have connected to this one. */
    void connect(Peers all) {
        peers = all;
        inbox.know(all);
        for (int i = 1; i < size(); i++) {
            ByteBuffer hello = plain(Header.Kind.HELLO, 0).flip();
            connections.connect(all, (rank() + i) % size(), hello, deadline);
        }
        Supplier<List<Integer>> missing =
                () -> others().filter(other -> !inbox.hasMet(other)).boxed().toList();
        await(() -> missing.get().isEmpty(), missing, "rank " + rank() + " waits to connect");
    }

    private IntStream others() {
        return IntStream.range(0, size()).filter(other -> other != rank());
    }

    private ByteBuffer plain(Header.Kind kind, int room) {
        return Header.plain(kind, run, rank()).message(room);
    }

    /** Tells a rank that its transfer to this one can begin. */
    void ready(int sender, Operation operation, Tag tag, long total, Outgoing outgoing) {
        // the other end looks for the transfer by its receiver
        Tag named = new Tag(tag.group(), tag.sequence(), tag.step(), rank());
        var header = new Header(Header.Kind.READY, run, operation, named, 0, total);
        call(sender, header.message(0).flip(), outgoing);
    }

    /** Sends a whole transfer, whose bytes are copied. @param values bytes of them that are values */
    void small(int receiver, Operation operation, Tag tag, ByteBuffer body, int values, Outgoing outgoing) {
        var header = new Header(Header.Kind.SMALL, run, operation, tag, 0, body.remaining());
        payload.addAndGet(values);
        call(receiver, header.message(body.remaining()).put(body).flip(), outgoing);
    }

    private void call(int receiver, ByteBuffer message, Outgoing outgoing) {
        outgoing.sent(receiver);
        connections.to(receiver).sendRpc(message, new Confirmation(receiver, outgoing, null));
    }

    /** Sends a transfer without a copy; its memory is not to be changed before the receiver has confirmed all of it. */
    void large(int receiver, Operation operation, Tag tag, FloatRange part, Outgoing outgoing) {
        long total = part.length() * Float.BYTES;
        for (long start = 0; start < part.length(); start += FloatRange.WINDOW) {
            ByteBuffer window = part.window(start, part.windowAt(start));
            var header = new Header(Header.Kind.PIECE, run, operation, tag, start * Float.BYTES, total);
            ByteBuffer meta =
                    header.message(Long.BYTES).putLong(window.remaining()).flip();
            payload.addAndGet(window.remaining());
            outgoing.sent(receiver);
            connections
                    .to(receiver)
                    .uploadStream(
                            new NioManagedBuffer(meta),
                            new NettyManagedBuffer(Unpooled.wrappedBuffer(window)),
                            new Confirmation(receiver, outgoing, part));
        }
    }

    private final class Confirmation implements RpcResponseCallback {
        private final int receiver;
        private final Outgoing outgoing;
        /** Keeps the memory alive that is being sent. */
        private final FloatRange memory;

        Confirmation(int receiver, Outgoing outgoing, FloatRange memory) {
            this.receiver = receiver;
            this.outgoing = outgoing;
            this.memory = memory;
        }

        @Override
        public void onSuccess(ByteBuffer response) {
            outgoing.confirmed(receiver);
            inbox.wake();
        }

        @Override
        public void onFailure(Throwable cause) {
            if (cause instanceof IOException) {
                inbox.undelivered(receiver, ": " + Connections.first(cause));
            } else {
                String what = memory == null ? "a message" : memory + "";
                inbox.lose(
                        new Loss(
                                List.of(), peers.name(receiver) + " refused " + what + ": " + Connections.first(cause)),
                        true);
            }
        }
    }

    /**
     * Waits for messages of other ranks; a rank that is missing too long is named.
     *
     * @param missing the ranks for which this one waits, or will have to
     */
    void await(BooleanSupplier over, Supplier<List<Integer>> missing, String place) {
        await(over, missing, true, place);
    }

    /** Waits until all messages are confirmed. */
    void await(Outgoing outgoing, String place) {
        await(() -> outgoing.receivers().isEmpty(), outgoing::receivers, false, place);
    }

    private void await(BooleanSupplier over, Supplier<List<Integer>> missing, boolean fromThem, String place) {
        inbox.begins(missing);
        try {
            if (!inbox.await(over, missing, fromThem, deadline, place)) {
                Loss loss = new Suspects(rank(), size(), this::status).find(missing.get());
                String late = peers.names(loss.ranks()) + " did not come within " + deadline.toMillis() / 1000.0 + " s";
                inbox.lose(loss.what().isEmpty() ? new Loss(loss.ranks(), late) : loss, true);
                inbox.check(place);
            }
        } finally {
            inbox.ends(missing);
        }
    }

    /** Empty when the rank does not answer. */
    private Optional<Status> status(int other) {
        try {
            ByteBuffer answer = connections
                    .to(other)
                    .sendRpcSync(plain(Header.Kind.STATUS, 0).flip(), STATUS_MILLIS);
            return Optional.of(Status.read(answer.order(ByteOrder.nativeOrder())));
        } catch (RuntimeException e) {
            return Optional.empty(); // whatever it is, the rank is one to be named
        }
    }

    /** Tells all ranks that the run is over. */
    private void tell(Loss loss) {
        telling = new CountDownLatch(size() - 1);
        for (int other : others().toArray()) {
            ByteBuffer message = plain(Header.Kind.FAILED, loss.bytes());
            loss.write(message);
            connections.send(other, message.flip(), new Unconfirmed(answer -> telling.countDown()));
        }
    }

    /** A message to a rank that may be gone, and what follows its answer, which is empty if there is none. */
    private record Unconfirmed(Consumer<ByteBuffer> then) implements RpcResponseCallback {
        @Override
        public void onSuccess(ByteBuffer answer) {
            then.accept(answer);
        }

        @Override
        public void onFailure(Throwable cause) {
            then.accept(ByteBuffer.allocate(0));
        }
    }

    /** Tells the others, and ends all connections; after it no memory is read or written any more. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        Loss loss = inbox.loss();
        if (loss == null) {
            leave();
        } else if (telling == null) {
            // else those who do not know yet would take this rank for the lost one
            tell(loss);
        }
        inbox.close();
        if (telling != null) {
            await(telling);
        }
        connections.close();
    }

    /**
     * Tells the ranks that have not left themselves. One that is about to leave too is on its way to say so, and would
     * find this rank gone.
     */
    private void leave() {
        List<Integer> here = inbox.leave();
        Set<Integer> leaving = ConcurrentHashMap.newKeySet();
        var told = new CountDownLatch(here.size());
        for (int other : here) {
            connections.send(other, plain(Header.Kind.LEAVING, 0).flip(), new Unconfirmed(answer -> {
                if (answer.hasRemaining() && answer.get() == 1) {
                    leaving.add(other);
                }
                told.countDown();
            }));
        }
        await(told);
        inbox.awaitLeft(leaving, LEAVE_MILLIS);
    }

    private static void await(CountDownLatch told) {
        try {
            told.await(LEAVE_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

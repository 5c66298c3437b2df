package dev.uncurl.jobs.cluster;

import dev.uncurl.collective.Arguments;
import dev.uncurl.collective.Bounds;
import dev.uncurl.collective.Collectives;
import dev.uncurl.collective.ExchangeCost;
import dev.uncurl.collective.FloatRange;
import dev.uncurl.error.UserError;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.apache.spark.BarrierTaskContext;

/**
 * Collectives between the tasks of a barrier stage. In a sum each rank sends every other one the slice that it is to add,
 * in windows, and adds what it gets in the order of ranks; so the bits are those of {@link
 * dev.uncurl.collective.Loopback}, and each rank sends (n - 1) / n of the values in {@link #reduceScatter} and again in
 * {@link #allGather}: what a ring sends, without its n - 1 steps. Few numbers go to all ranks by {@link Doubling}; each rank then
 * adds them in the same order.
 */
public final class SparkTransport implements Collectives {
    /** Shared by a rank's groups. */
    private static final class Place {
        volatile String text = "";
        final ThreadLocal<long[]> waited = ThreadLocal.withInitial(() -> new long[1]);
    }

    private final Wire wire;
    private final long group;
    private final int[] members;
    private final int rank;
    private final int size;
    private final Place place;
    private final Staging staging;
    private final Map<List<Integer>, Integer> groups = new HashMap<>();
    private long sequence;

    private SparkTransport(Wire wire, long group, int[] members, int rank, Place place) {
        this.wire = wire;
        this.group = group;
        this.members = members;
        this.rank = rank;
        this.size = members.length;
        this.place = place;
        this.staging = new Staging(size);
    }

    /**
     * Connects this task to all others of its barrier stage; its rank is its partition. Every task of the stage calls it.
     *
     * @param deadline how long a rank waits for others, here and in one operation
     * @throws UserError (usage) where the session has no {@link ClusterPlugin}
     * @throws dev.uncurl.collective.LostRankException naming the ranks that did not come, or refused the connection
     */
    public static Collectives open(BarrierTaskContext task, Duration deadline) {
        return over(Tasks.connect(task, deadline));
    }

    /** @param wire connected to all ranks; closed by {@link #close} */
    static SparkTransport over(Wire wire) {
        int[] all = IntStream.range(0, wire.size()).toArray();
        return new SparkTransport(wire, 0, all, wire.rank(), new Place());
    }

    @Override
    public int rank() {
        return rank;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public void at(String text) {
        place.text = text;
    }

    private void exchange(Operation operation, Consumer<Exchange> work) {
        long since = System.nanoTime();
        long number = sequence++;
        var exchange = new Exchange(wire, operation, group, number, members, place.text);
        try {
            work.accept(exchange);
            exchange.awaitSent();
            place.waited.get()[0] += wire.attendance().waited(group, number, since);
        } catch (RuntimeException e) {
            exchange.cancel();
            throw e;
        }
    }

    /** The other ranks, beginning with the next one, so that not all send to the same rank first. */
    private int[] others() {
        return IntStream.range(1, size).map(i -> (rank + i) % size).toArray();
    }

    @Override
    public void reduceScatter(FloatRange values, long[] bounds) {
        Bounds.check(bounds, values.length(), size);
        exchange(Operation.REDUCE_SCATTER, exchange -> new Reduction(exchange, values, bounds, rank, others(), staging)
                .run());
    }

    @Override
    public void allGather(FloatRange values, long[] bounds) {
        Bounds.check(bounds, values.length(), size);
        exchange(Operation.ALL_GATHER, exchange -> gather(exchange, values, bounds, 0, -1));
    }

    private static FloatRange slice(FloatRange values, long[] bounds, int one) {
        return values.slice(bounds[one], bounds[one + 1] - bounds[one]);
    }

    /** @param knowing a rank that has all slices already, or -1 */
    private void gather(Exchange exchange, FloatRange values, long[] bounds, int step, int knowing) {
        if (rank != knowing) {
            for (int other : others()) {
                exchange.expect(other, step, slice(values, bounds, other));
            }
        }
        for (int other : others()) {
            if (other != knowing) {
                exchange.send(other, step, slice(values, bounds, rank));
            }
        }
        exchange.awaitReceived(step);
    }

    @Override
    public void allToAll(FloatRange send, long[] sendCounts, FloatRange receive, long[] receiveCounts) {
        Arguments.checkParts(send, sendCounts, receive, receiveCounts, size);
        exchange(Operation.ALL_TO_ALL, exchange -> {
            long[] from = Bounds.of(sendCounts);
            long[] to = Bounds.of(receiveCounts);
            for (int other : others()) {
                exchange.expect(other, 0, slice(receive, to, other));
            }
            for (int other : others()) {
                exchange.send(other, 0, slice(send, from, other));
            }
            if (sendCounts[rank] != receiveCounts[rank]) {
                throw exchange.differ("Rank " + members[rank] + " sends " + sendCounts[rank] + " floats to rank "
                        + members[rank] + ", which expects " + receiveCounts[rank]);
            }
            slice(receive, to, rank).copyFrom(slice(send, from, rank));
            exchange.awaitReceived(0);
        });
    }

    /** Long ranges leave the root once, by slices, which the other ranks then exchange. */
    @Override
    public void broadcast(FloatRange values, int root) {
        Arguments.checkRoot(root, size);
        exchange(Operation.BROADCAST, exchange -> {
            boolean inOne = values.length() <= Exchange.SMALL;
            long[] bounds = Bounds.even(values.length(), size);
            if (rank == root) {
                for (int other : others()) {
                    exchange.send(other, 0, inOne ? values : slice(values, bounds, other));
                }
            } else {
                exchange.expect(root, 0, inOne ? values : slice(values, bounds, rank));
                exchange.awaitReceived(0);
            }
            if (!inOne) {
                gather(exchange, values, bounds, 1, root);
            }
        });
    }

    @Override
    public double[] sum(double[] values) {
        ByteBuffer body = Header.buffer(values.length * Double.BYTES);
        body.asDoubleBuffer().put(values);
        List<ByteBuffer> all = exchangeNumbers(Operation.SUM, body);
        double[] sum = new double[values.length];
        all.get(0).asDoubleBuffer().get(sum);
        for (ByteBuffer one : all.subList(1, size)) {
            for (int i = 0; i < sum.length; i++) {
                sum[i] += one.getDouble(i * Double.BYTES);
            }
        }
        return sum;
    }

    @Override
    public long[][] gather(long[] values) {
        ByteBuffer body = Header.buffer(values.length * Long.BYTES);
        body.asLongBuffer().put(values);
        return exchangeNumbers(Operation.GATHER, body).stream()
                .map(one -> {
                    long[] numbers = new long[one.remaining() / Long.BYTES];
                    one.asLongBuffer().get(numbers);
                    return numbers;
                })
                .toArray(long[][]::new);
    }

    @Override
    public void barrier() {
        exchangeNumbers(Operation.BARRIER, Header.buffer(0));
    }

    /** The bodies of all ranks, by rank. */
    private List<ByteBuffer> exchangeNumbers(Operation operation, ByteBuffer body) {
        var all = new ArrayList<ByteBuffer>();
        exchange(operation, exchange -> {
            all.addAll(new Doubling(exchange, rank, size).all(body));
            for (int one = 0; one < size; one++) {
                if (operation == Operation.SUM && all.get(one).remaining() != body.remaining()) {
                    throw exchange.differ("Rank " + members[one] + " sums "
                            + all.get(one).remaining() / Double.BYTES + " numbers, rank " + members[rank] + " "
                            + body.remaining() / Double.BYTES);
                }
            }
        });
        return all;
    }

    @Override
    public Collectives group(int[] ranks) {
        List<Integer> chosen = Arguments.checkMembers(ranks, rank, size);
        int count = groups.merge(chosen, 1, Integer::sum);
        int[] inRun = chosen.stream().mapToInt(one -> members[one]).toArray();
        return new SparkTransport(wire, Numbers.ofGroup(group, inRun, count), inRun, chosen.indexOf(rank), place);
    }

    @Override
    public ExchangeCost cost() {
        return new ExchangeCost(place.waited.get()[0], wire.payload());
    }

    /** Bytes outside the heap that a rank takes for sums with so many ranks, itself included. */
    public static long memory(int ranks) {
        return Staging.bytes(ranks);
    }

    /** Of a group: nothing; the run's own closes all connections. */
    @Override
    public void close() {
        if (group == 0) {
            wire.close();
        }
    }
}

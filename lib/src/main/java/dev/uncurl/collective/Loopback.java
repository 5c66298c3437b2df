package dev.uncurl.collective;

import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Ranks that are threads of one JVM. They read each other's memory in place: a sum moves each element once, an exchange
 * copies it once, and no array is held twice.
 */
public final class Loopback implements Collectives {
    private record Parts(FloatRange send, long[] sendCounts) {
        FloatRange to(int rank) {
            return send.slice(Bounds.of(sendCounts)[rank], sendCounts[rank]);
        }
    }

    /** Shared by a rank's groups. */
    private static final class Place {
        volatile String text = "";
        final ExchangeCost.Meter cost = new ExchangeCost.Meter();
    }

    private final Meeting meeting;
    private final int rank;
    private final int size;
    private final Place place;
    private final boolean wholeRun;
    private final Map<List<Integer>, Integer> groups = new HashMap<>();

    private Loopback(Meeting meeting, int rank, int size, Place place, boolean wholeRun) {
        this.meeting = meeting;
        this.rank = rank;
        this.size = size;
        this.place = place;
        this.wholeRun = wholeRun;
    }

    /**
     * @param deadline how long a rank waits for others in one operation
     * @return [size] one for each thread
     */
    public static List<Collectives> ranks(int size, Duration deadline) {
        if (size < 1) {
            throw new IllegalArgumentException(size + " ranks; at least 1");
        }
        Meeting all = Meeting.ofAll(size, deadline);
        return IntStream.range(0, size)
                .<Collectives>mapToObj(rank -> new Loopback(all, rank, size, new Place(), true))
                .toList();
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

    @Override
    public void reduceScatter(FloatRange values, long[] bounds) {
        Bounds.check(bounds, values.length(), size);
        String operation = named("reduceScatter", values, bounds);
        List<FloatRange> all = meet(operation, values, FloatRange.class);
        long from = bounds[rank];
        long length = bounds[rank + 1] - from;
        // nobody else reads this rank's slice of this rank's values, so that the sum can replace it
        values.slice(from, length)
                .sum(all.stream().map(one -> one.slice(from, length)).toList());
        moved((size - 1) * length);
        leave(operation);
    }

    @Override
    public void allGather(FloatRange values, long[] bounds) {
        Bounds.check(bounds, values.length(), size);
        String operation = named("allGather", values, bounds);
        List<FloatRange> all = meet(operation, values, FloatRange.class);
        for (int other = 0; other < size; other++) {
            if (other != rank) {
                long length = bounds[other + 1] - bounds[other];
                values.slice(bounds[other], length).copyFrom(all.get(other).slice(bounds[other], length));
                moved(length);
            }
        }
        leave(operation);
    }

    @Override
    public void allToAll(FloatRange send, long[] sendCounts, FloatRange receive, long[] receiveCounts) {
        Arguments.checkParts(send, sendCounts, receive, receiveCounts, size);
        String operation = "allToAll";
        List<Parts> all = meet(operation, new Parts(send, sendCounts), Parts.class);
        long[] places = Bounds.of(receiveCounts);
        for (int other = 0; other < size; other++) {
            FloatRange part = all.get(other).to(rank);
            if (part.length() != receiveCounts[other]) {
                throw meeting.disagree(
                        "Rank " + meeting.member(other) + " sends " + part.length() + " floats to rank "
                                + meeting.member(rank) + ", which expects " + receiveCounts[other],
                        place.text);
            }
            receive.slice(places[other], part.length()).copyFrom(part);
            moved(other == rank ? 0 : part.length());
        }
        leave(operation);
    }

    @Override
    public void broadcast(FloatRange values, int root) {
        Arguments.checkRoot(root, size);
        String operation = "broadcast of " + values.length() + " floats from rank " + root;
        List<FloatRange> all = meet(operation, values, FloatRange.class);
        if (rank != root) {
            values.copyFrom(all.get(root));
            moved(values.length());
        }
        leave(operation);
    }

    @Override
    public double[] sum(double[] values) {
        List<double[]> all = meet("sum of " + values.length + " numbers", values.clone(), double[].class);
        double[] sum = all.get(0).clone();
        for (double[] one : all.subList(1, size)) {
            Arrays.setAll(sum, i -> sum[i] + one[i]);
        }
        place.cost.moved((long) (size - 1) * values.length * Double.BYTES);
        return sum;
    }

    @Override
    public long[][] gather(long[] values) {
        long[][] all = meet("gather", values.clone(), long[].class).stream()
                .map(long[]::clone)
                .toArray(long[][]::new);
        long others = Arrays.stream(all).mapToLong(one -> one.length).sum() - values.length;
        place.cost.moved(others * Long.BYTES);
        return all;
    }

    @Override
    public void barrier() {
        meet("barrier", rank, Integer.class);
    }

    @Override
    public Collectives group(int[] ranks) {
        List<Integer> members = Arguments.checkMembers(ranks, rank, size);
        int count = groups.merge(members, 1, Integer::sum);
        return new Loopback(meeting.group(members, count), members.indexOf(rank), members.size(), place, false);
    }

    @Override
    public ExchangeCost cost() {
        return place.cost.total();
    }

    @Override
    public void close() {
        if (wholeRun) {
            meeting.close(rank);
        }
    }

    private <T> List<T> meet(String operation, T brings, Class<T> type) {
        long since = System.nanoTime();
        Object[] all = meeting.meet(rank, operation, place.text, brings);
        place.cost.waitedSince(since);
        return Stream.of(all).map(type::cast).toList();
    }

    private void moved(long floats) {
        place.cost.moved(floats * Float.BYTES);
    }

    /** Waits until no rank reads this one's memory any more. */
    private void leave(String operation) {
        meeting.meet(rank, "the end of " + operation, place.text, rank);
    }

    private String named(String operation, FloatRange values, long[] bounds) {
        String slices = size <= 8 ? Arrays.toString(bounds) : "number " + Arrays.hashCode(bounds);
        return operation + " of " + values.length() + " floats, bounds " + slices;
    }
}

package dev.uncurl.jobs.cluster;

import dev.uncurl.collective.FloatRange;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What one rank sends and expects in one operation. Ranks are numbered as in the group. A transfer of up to {@link
 * #SMALL} floats is sent at once and kept by its receiver until it is expected; a larger one is sent when its receiver
 * has named the memory for it, so that it is copied once and nothing piles up.
 */
final class Exchange implements Doubling.Post {
    /** 64 KiB: sending takes about as long as asking. */
    static final int SMALL = 1 << 14;

    private final Wire wire;
    private final Operation operation;
    private final long group;
    private final long sequence;
    private final int[] members;
    private final String place;
    private final Outgoing outgoing = new Outgoing();
    private final Map<Tag, Incoming> expected = new HashMap<>();

    /** @param members ranks of the run, by rank of the group */
    Exchange(Wire wire, Operation operation, long group, long sequence, int[] members, String where) {
        this.wire = wire;
        this.operation = operation;
        this.group = group;
        this.sequence = sequence;
        this.members = members;
        this.place = "rank " + wire.rank() + " waits in " + operation + (where.isEmpty() ? "" : ", " + where);
        wire.inbox().check(place);
    }

    /** The transfer that a rank of the run sends, or that it receives from this one. */
    private Tag tag(int step, int other) {
        return new Tag(group, sequence, step, other);
    }

    /** Names the memory for what a rank sends in this step. */
    void expect(int sender, int step, FloatRange target) {
        Tag tag = tag(step, members[sender]);
        expected.put(tag, wire.inbox().expect(tag, operation, target));
        if (target.length() > SMALL) {
            wire.ready(members[sender], operation, tag, target.length() * Float.BYTES, outgoing);
        }
    }

    /** Sends a part, whose memory is not to be changed before {@link #awaitSent} returns. */
    void send(int receiver, int step, FloatRange part) {
        int other = members[receiver];
        Tag mine = tag(step, wire.rank());
        if (part.length() <= SMALL) {
            ByteBuffer body = part.window(0, (int) part.length());
            wire.small(other, operation, mine, body, body.remaining(), outgoing);
            return;
        }
        Tag theirs = tag(step, other);
        wire.await(() -> wire.inbox().isReady(theirs), () -> with(other, missing(expected.keySet())), place);
        wire.inbox().begin(theirs, operation, part.length() * Float.BYTES);
        wire.inbox().check(place);
        wire.large(other, operation, mine, part, outgoing);
    }

    @Override
    public void send(int receiver, int step, ByteBuffer body, int values) {
        wire.small(members[receiver], operation, tag(step, wire.rank()), body, values, outgoing);
    }

    @Override
    public ByteBuffer take(int step, List<Integer> senders) {
        List<Tag> tags = IntStream.range(step, senders.size())
                .mapToObj(later -> tag(later, members[senders.get(later)]))
                .toList();
        Tag tag = tags.get(0);
        Supplier<List<Integer>> missing = () -> tags.stream()
                .filter(one -> !wire.inbox().hasSmall(one))
                .map(Tag::sender)
                .toList();
        wire.await(() -> wire.inbox().hasSmall(tag), missing, place);
        byte[] body = wire.inbox().take(tag, operation);
        wire.inbox().check(place);
        return ByteBuffer.wrap(body).order(ByteOrder.nativeOrder());
    }

    /** Waits for everything that is expected in this step. */
    void awaitReceived(int step) {
        List<Tag> tags =
                expected.keySet().stream().filter(tag -> tag.step() == step).toList();
        wire.await(() -> missing(tags).isEmpty(), () -> missing(expected.keySet()), place);
        tags.forEach(expected::remove);
    }

    /** The senders of transfers that have not all come. */
    private List<Integer> missing(Collection<Tag> tags) {
        return tags.stream()
                .filter(tag -> !expected.get(tag).complete())
                .map(Tag::sender)
                .distinct()
                .toList();
    }

    private static List<Integer> with(int rank, List<Integer> ranks) {
        return Stream.concat(Stream.of(rank), ranks.stream()).distinct().toList();
    }

    /** Waits until every receiver has all that was sent. */
    void awaitSent() {
        wire.await(outgoing, place);
    }

    /** Ends the run: ranks do not agree about the operation. */
    RuntimeException differ(String what) {
        wire.inbox().lose(new Loss(List.of(), what), true);
        return new IllegalStateException(what + ": " + place);
    }

    /** After a failure: the memory that was named is left alone. */
    void cancel() {
        expected.keySet().forEach(wire.inbox()::forget);
    }
}

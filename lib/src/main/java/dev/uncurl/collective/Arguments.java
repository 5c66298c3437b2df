package dev.uncurl.collective;

import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;

/** The checks of arguments that all implementations of {@link Collectives} make before anything is sent. */
public final class Arguments {
    private Arguments() {}

    /** Refuses counts of {@link Collectives#allToAll} that do not fit the ranges. */
    public static void checkParts(
            FloatRange send, long[] sendCounts, FloatRange receive, long[] receiveCounts, int size) {
        checkCounts(sendCounts, send.length(), size);
        checkCounts(receiveCounts, receive.length(), size);
        if (send.overlaps(receive)) {
            throw new IllegalArgumentException("The ranges to send and to receive share memory");
        }
    }

    /** Refuses counts of parts, one for each rank, that do not fit into {@code length} floats. */
    public static void checkCounts(long[] counts, long length, int size) {
        if (counts.length != size
                || LongStream.of(counts).anyMatch(count -> count < 0)
                || LongStream.of(counts).sum() > length) {
            throw new IllegalArgumentException("Counts " + Arrays.toString(counts) + " for " + size
                    + " ranks and a range of " + length + " floats");
        }
    }

    /** Refuses a root that is not a rank. */
    public static void checkRoot(int root, int size) {
        if (root < 0 || root >= size) {
            throw new IllegalArgumentException("Root " + root + " of " + size + " ranks");
        }
    }

    /** The members of a group; refuses ranks that occur twice or do not exist, and a group without this rank. */
    public static List<Integer> checkMembers(int[] ranks, int rank, int size) {
        List<Integer> members = Arrays.stream(ranks).boxed().toList();
        if (members.stream().distinct().count() != ranks.length
                || members.stream().anyMatch(one -> one < 0 || one >= size)
                || !members.contains(rank)) {
            throw new IllegalArgumentException("A group of ranks " + members + " out of " + size + ", made by rank "
                    + rank + "; the ranks must be distinct, and this one among them");
        }
        return members;
    }
}

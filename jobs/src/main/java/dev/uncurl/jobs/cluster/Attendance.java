package dev.uncurl.jobs.cluster;

import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;

/**
 * When the other ranks came to an operation: at the first message that each of them sent for it. What a message takes on its
 * way counts as waiting for its sender.
 */
final class Attendance {
    private record Round(long group, long sequence) {}

    private static final class Came {
        final BitSet ranks = new BitSet();
        long last = System.nanoTime();
    }

    private final Map<Round, Came> rounds = new HashMap<>();

    /** A message of a rank has come. */
    synchronized void came(Tag tag) {
        Came came = rounds.computeIfAbsent(new Round(tag.group(), tag.sequence()), absent -> new Came());
        if (!came.ranks.get(tag.sender())) {
            came.ranks.set(tag.sender());
            came.last = System.nanoTime();
        }
    }

    /**
     * An operation is over on this rank, which has all messages for it.
     *
     * @param since when this rank began it, as of System.nanoTime
     * @return nanoseconds from then until the last rank came; 0 if all were there before
     */
    synchronized long waited(long group, long sequence, long since) {
        Came came = rounds.remove(new Round(group, sequence));
        return came == null ? 0 : Math.max(0, came.last - since);
    }
}

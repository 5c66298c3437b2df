package dev.uncurl.jobs.cluster;

import dev.uncurl.collective.LostRankException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Why a run is over.
 *
 * @param ranks that are lost, ascending; none if ranks called operations that do not fit together
 * @param what a sentence without a full stop
 */
record Loss(List<Integer> ranks, String what) {
    /** How a rank's loss is described if that rank ended its task itself. */
    static final String LEFT = " closed its side";

    Loss {
        ranks = ranks.stream().sorted().toList();
    }

    /** @param place what this rank was doing */
    RuntimeException exception(String place) {
        return ranks.isEmpty()
                ? new IllegalStateException(what + ": " + place
                        + "\n  All ranks must call the same operations in the same order, with lengths that fit.")
                : new LostRankException(ranks, what + ": " + place, null);
    }

    /** Appends this to a message that has room for {@link #bytes}. */
    void write(ByteBuffer message) {
        message.putInt(ranks.size());
        ranks.forEach(message::putInt);
        message.put(what.getBytes(StandardCharsets.UTF_8));
    }

    int bytes() {
        return Integer.BYTES * (1 + ranks.size()) + what.getBytes(StandardCharsets.UTF_8).length;
    }

    static Loss read(ByteBuffer message) {
        var ranks = new ArrayList<Integer>();
        for (int left = message.getInt(); left > 0; left--) {
            ranks.add(message.getInt());
        }
        return new Loss(ranks, StandardCharsets.UTF_8.decode(message).toString());
    }
}

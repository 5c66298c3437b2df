package dev.uncurl.collective;

import java.util.Arrays;
import java.util.List;

/**
 * A rank that others wait for has not come to an operation in time, has closed its side, or cannot be reached any more.
 * The operation is over on every rank and the contents of its ranges are undefined; nothing can be done with the
 * {@link Collectives} but to close it. A run goes on from its last checkpoint, with ranks that live.
 */
public final class LostRankException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int[] ranks;

    /** @param ranks that are lost, as ranks of the whole run; @param message which operation waited for them, and where */
    public LostRankException(List<Integer> ranks, String message, Throwable cause) {
        super(message, cause);
        this.ranks = ranks.stream().mapToInt(Integer::intValue).toArray();
    }

    /** The lost ranks, as ranks of the whole run, not of a group; ascending. */
    public List<Integer> ranks() {
        return Arrays.stream(ranks).boxed().toList();
    }
}

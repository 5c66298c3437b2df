package dev.uncurl.model;

import java.util.Arrays;

/**
 * Keeps ranks in step that score batches of their own: a pass needs all ranks, also those that have no batch any more. Before each
 * pass every rank says what it has.
 */
final class SharedPasses {
    /** What a rank has, by ascending priority: ranks with a batch have one of the same kind. */
    enum Kind {
        /** No batch. */
        NONE,
        /** A batch of rows of equal length. */
        ROWS,
        /** The same, on which every expert runs. */
        OUTPUTS,
        /** Sequences whose results do not depend on other ones, to the bit. */
        INDEPENDENT
    }

    /** A batch for a rank without one: a position of padding. */
    static final TokenBatch EMPTY = new TokenBatch(new int[] {TokenBatch.NONE}, new int[] {TokenBatch.NONE}, 1, 1);

    private final Peers peers;

    SharedPasses(Peers peers) {
        this.peers = peers;
    }

    Peers peers() {
        return peers;
    }

    /** Says what this rank has; returns what all ranks compute now, NONE if none has a batch. */
    Kind next(Kind own) {
        if (peers == Peers.NONE) {
            return own;
        }
        int most = Arrays.stream(peers.gather(new double[] {own.ordinal()}))
                .mapToInt(rank -> (int) rank[0])
                .max()
                .orElseThrow();
        if (own != Kind.NONE && own.ordinal() != most) {
            throw new IllegalStateException("Ranks score in different ways: " + own + " and " + Kind.values()[most]);
        }
        return Kind.values()[most];
    }
}

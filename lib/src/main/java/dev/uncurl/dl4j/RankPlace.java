package dev.uncurl.dl4j;

import dev.uncurl.collective.Bounds;
import dev.uncurl.collective.Collectives;
import dev.uncurl.model.Peers;

/**
 * The place of a network among the ranks that train one model.
 *
 * @param peers the ranks; {@link Peers#NONE} for a network that trains alone
 * @param ranks the same ranks; null for a network that trains alone
 * @param clock times all exchanges of the rank; null for a network that trains alone
 * @param shares the division of a step; null for a network that trains alone
 * @param threads threads of the rank's kernels; do not affect its bits
 */
record RankPlace(Peers peers, Collectives ranks, ExchangeClock clock, StepShares shares, int threads) {
    static RankPlace alone(int threads) {
        return new RankPlace(Peers.NONE, null, null, null, threads);
    }

    static RankPlace of(Collectives ranks, StepShares shares, int threads) {
        if (ranks.size() != shares.ranks()) {
            throw new IllegalArgumentException(
                    "Shares for " + shares.ranks() + " ranks, but there are " + ranks.size());
        }
        var clock = new ExchangeClock(ranks);
        return new RankPlace(new CollectivePeers(ranks, clock), ranks, clock, shares, threads);
    }

    /** [ranks + 1] bounds of the slices of the flat parameters: a rank updates its own. */
    long[] bounds(long parameters) {
        return ranks == null ? new long[] {0, parameters} : Bounds.even(parameters, ranks.size());
    }

    /** The slice of this rank. */
    FusedAdamW.Range slice(long parameters) {
        long[] bounds = bounds(parameters);
        return new FusedAdamW.Range(bounds[peers.rank()], bounds[peers.rank() + 1]);
    }

    double sum(double value) {
        return ranks == null ? value : clock.time(() -> ranks.sum(new double[] {value}))[0];
    }

    /** [S] sequences of each micro-step of this rank, in a batch of {@code rows}. @param microBatch 0: the whole batch */
    int[] rows(int rows, int microBatch) {
        return shares == null
                ? new StepShares(rows, 1, microBatch == 0 ? rows : microBatch).rows(0)
                : shares.rows(peers.rank());
    }
}

package dev.uncurl.dl4j;

import dev.uncurl.collective.Collectives;
import dev.uncurl.model.CollectivePeers;
import dev.uncurl.model.Peers;
import dev.uncurl.model.spec.ElementRange;
import dev.uncurl.model.spec.ExpertShare;
import dev.uncurl.model.spec.ParameterLayout;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The place of a network among the ranks that train one model.
 *
 * @param peers the ranks; {@link Peers#NONE} for a network that trains alone
 * @param ranks the same ranks; null for a network that trains alone
 * @param replicas the ranks that hold the same experts; null if all ranks hold all experts
 * @param clock times all exchanges of the rank; null for a network that trains alone
 * @param shares the division of a step; null for a network that trains alone
 * @param threads threads of the rank's kernels; do not affect its bits
 */
record RankPlace(
        Peers peers, Collectives ranks, Collectives replicas, ExchangeClock clock, StepShares shares, int threads) {
    static RankPlace alone(int threads) {
        return new RankPlace(Peers.NONE, null, null, null, null, threads);
    }

    static RankPlace of(Collectives ranks, ExpertShare share, StepShares shares, int threads) {
        if (ranks.size() != shares.ranks()) {
            throw new IllegalArgumentException(
                    "Shares for " + shares.ranks() + " ranks, but there are " + ranks.size());
        }
        var clock = new ExchangeClock(ranks);
        var peers = new TimedPeers(CollectivePeers.of(ranks, share), clock);
        int parts = share.parts();
        Collectives replicas = share.isAll()
                ? null
                : ranks.group(IntStream.range(0, ranks.size() / parts)
                        .map(copy -> copy * parts + share.part())
                        .toArray());
        return new RankPlace(peers, ranks, replicas, clock, shares, threads);
    }

    /** The flat parameters: those that all ranks have, then those of the experts, if these are divided. */
    List<Section> sections(ParameterLayout layout) {
        var common = new ElementRange(0, layout.common());
        if (ranks == null) {
            return List.of(Section.alone(common));
        }
        return replicas == null
                ? List.of(Section.of(ranks, common))
                : List.of(
                        Section.of(ranks, common),
                        Section.of(replicas, new ElementRange(layout.common(), layout.length())));
    }

    /** The slices of the flat parameters that this rank updates. */
    List<ElementRange> slices(ParameterLayout layout) {
        return sections(layout).stream().map(Section::slice).toList();
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

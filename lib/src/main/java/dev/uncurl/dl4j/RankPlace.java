package dev.uncurl.dl4j;

import dev.uncurl.collective.Collectives;
import dev.uncurl.exchange.DeviceExchanges;
import dev.uncurl.exchange.NcclChoice;
import dev.uncurl.kernel.KernelChoice;
import dev.uncurl.model.CollectivePeers;
import dev.uncurl.model.Peers;
import dev.uncurl.model.spec.ElementRange;
import dev.uncurl.model.spec.ExpertShare;
import dev.uncurl.processor.Processor;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The place of a network among the ranks that train one model.
 *
 * @param peers the ranks; {@link Peers#NONE} for a network that trains alone
 * @param ranks the same ranks; null for a network that trains alone
 * @param sums the same ranks once more, for gradients and parameters, which a thread of its own may exchange
 * @param replicas the ranks that hold the same experts; null if all ranks hold all experts
 * @param clock times all exchanges of the rank; null for a network that trains alone
 * @param shares the division of a step; null for a network that trains alone
 * @param processor computes; the rank does not close it
 * @param devices how gradients and parameters of a device reach the other ranks
 * @param threads threads of the rank's kernels on the CPU; do not affect its bits
 * @param bucket smallest number of parameters that are exchanged at a time
 */
record RankPlace(
        Peers peers,
        Collectives ranks,
        Collectives sums,
        Collectives replicas,
        ExchangeClock clock,
        StepShares shares,
        Processor processor,
        DeviceExchanges devices,
        int threads,
        long bucket) {
    /**
     * How ranks on devices are to exchange gradients and parameters.
     *
     * @param deadline how long a rank waits for others in one exchange between devices
     */
    record Way(NcclChoice choice, Duration deadline) {}

    static RankPlace alone(int threads) {
        return new RankPlace(
                Peers.NONE,
                null,
                null,
                null,
                null,
                null,
                Processor.cpu("trains alone"),
                DeviceExchanges.throughHost("it trains alone"),
                threads,
                Long.MAX_VALUE);
    }

    /**
     * @param slots task slots that these ranks have together: each rank has as many threads as its part of them
     * @param bucket as above
     */
    static RankPlace of(
            Collectives ranks,
            ExpertShare share,
            StepShares shares,
            Processor processor,
            Way way,
            int slots,
            long bucket) {
        if (ranks.size() != shares.ranks()) {
            throw new IllegalArgumentException(
                    "Shares for " + shares.ranks() + " ranks, but there are " + ranks.size());
        }
        var clock = new ExchangeClock(ranks);
        Collectives sums = ranks.group(IntStream.range(0, ranks.size()).toArray());
        var devices = DeviceExchanges.agree(way.choice(), processor, sums, way.deadline());
        var peers = new TimedPeers(CollectivePeers.of(ranks, share, devices), clock);
        int parts = share.parts();
        Collectives replicas = share.isAll()
                ? null
                : ranks.group(IntStream.range(0, ranks.size() / parts)
                        .map(copy -> copy * parts + share.part())
                        .toArray());
        int threads = Math.max(1, slots * KernelChoice.threads() / ranks.size());
        return new RankPlace(peers, ranks, sums, replicas, clock, shares, processor, devices, threads, bucket);
    }

    /** The flat parameters, in their order: those that all ranks have, then those of the experts, if these are divided. */
    List<Section> sections(BlockRanges blocks) {
        return ranks == null ? List.of(Section.alone(blocks.shared())) : Buckets.of(blocks, sums, replicas, bucket);
    }

    /** The slices of the flat parameters that this rank updates. */
    List<ElementRange> slices(BlockRanges blocks) {
        return sections(blocks).stream().map(Section::slice).toList();
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

package dev.uncurl.jobs.train;

import dev.uncurl.dl4j.StepShares;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.nd4j.linalg.dataset.DataSet;

/**
 * Divides the sequences of one task among ranks that are threads of it. The first rank that comes to a step reads its sequences.
 */
final class SharedSteps {
    private final Iterator<DataSet> sequences;
    private final StepShares shares;
    /** By rank, the shares that it has not taken yet. */
    private final List<List<StepShare>> waiting = new ArrayList<>();

    /** @param sequences of all ranks, in their order */
    SharedSteps(Iterator<DataSet> sequences, StepShares shares) {
        this.sequences = sequences;
        this.shares = shares;
        for (int rank = 0; rank < shares.ranks(); rank++) {
            waiting.add(new ArrayList<>());
        }
    }

    /** The shares of one rank. */
    StepShare.Source of(int rank) {
        return () -> next(rank);
    }

    private synchronized StepShare next(int rank) {
        if (waiting.get(rank).isEmpty()) {
            read();
        }
        return waiting.get(rank).remove(0);
    }

    private void read() {
        var byRank = new ArrayList<List<DataSet>>();
        for (int rank = 0; rank < shares.ranks(); rank++) {
            byRank.add(new ArrayList<>());
        }
        for (int sequence = 0; sequence < shares.batch(); sequence++) {
            byRank.get(shares.rank(sequence)).add(sequences.next());
        }
        for (int rank = 0; rank < shares.ranks(); rank++) {
            waiting.get(rank).add(StepShare.of(byRank.get(rank)));
        }
    }
}

package dev.uncurl.jobs.train;

import dev.uncurl.dl4j.SmoeNetwork;
import dev.uncurl.model.TokenBatch;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.commons.codec.digest.MurmurHash3;
import org.nd4j.linalg.dataset.DataSet;

/**
 * The sequences of one rank in one step.
 *
 * @param hash sum of the hashes of the sequences' positions and ids: with those of the other ranks, that of the step
 */
record StepShare(TokenBatch tokens, long hash) {
    /** Gives a rank its share of one step after another. */
    @FunctionalInterface
    interface Source {
        StepShare next();
    }

    static StepShare of(List<DataSet> sequences) {
        long hash = sequences.stream().mapToLong(StepShare::hash).sum();
        return new StepShare(SmoeNetwork.batch(sequences), hash);
    }

    /** The first half of the 128-bit MurmurHash3 of the sequence's position and id. */
    private static long hash(DataSet sequence) {
        return MurmurHash3.hash128x64(TrainingSequence.place(sequence).getBytes(StandardCharsets.UTF_8))[0];
    }
}

package dev.uncurl.jobs.train;

import dev.uncurl.dl4j.SmoeNetwork;
import dev.uncurl.model.TokenBatch;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.nd4j.linalg.dataset.DataSet;

/**
 * The sequences of one rank in one step.
 *
 * @param hash sum of the hashes of the sequences' positions and ids: with those of the other ranks, that of the step
 */
record StepShare(TokenBatch tokens, long hash) {
    private static final long PHI = 0x9e3779b97f4a7c15L;

    /** Gives a rank its share of one step after another. */
    @FunctionalInterface
    interface Source {
        StepShare next();
    }

    static StepShare of(List<DataSet> sequences) {
        long hash = sequences.stream().mapToLong(StepShare::hash).sum();
        return new StepShare(SmoeNetwork.batch(sequences), hash);
    }

    /** FNV-1a of the sequence's position and id, mixed as in SplitMix64. */
    private static long hash(DataSet sequence) {
        long hash = 0xcbf29ce484222325L;
        for (byte one : TrainingData.place(sequence).getBytes(StandardCharsets.UTF_8)) {
            hash = (hash ^ one) * 0x100000001b3L;
        }
        hash = (hash ^ hash >>> 30) * 0xbf58476d1ce4e5b9L + PHI;
        hash = (hash ^ hash >>> 27) * 0x94d049bb133111ebL;
        return hash ^ hash >>> 31;
    }
}

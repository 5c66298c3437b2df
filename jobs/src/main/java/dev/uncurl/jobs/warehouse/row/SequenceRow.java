package dev.uncurl.jobs.warehouse.row;

import java.util.List;

/** A row of corpus.sequences; the columns are described in schemas/corpus.sequences.sql. */
public record SequenceRow(
        String corpus,
        String split,
        long sequenceId,
        int[] tokens,
        int[] documentStarts,
        List<SourceReference> sourceRefs) {
    /** Where a document comes from. */
    public record SourceReference(String source, long offset) {}
}

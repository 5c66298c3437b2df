package dev.uncurl.jobs.warehouse.row;

import java.util.List;
import java.util.Optional;

/** A row of corpus.examples; the columns are described in schemas/corpus.examples.sql. */
public record ExampleRow(
        String task,
        String split,
        long exampleId,
        int[] promptTokens,
        int[] targetTokens,
        Optional<List<int[]>> choices,
        Optional<Integer> label,
        Optional<int[]> rightChoices,
        String promptVersion,
        String source,
        long sourceOffset,
        int sourcePart,
        int sourceGroup,
        Optional<String> corpus,
        Optional<List<String>> answers) {}

package dev.uncurl.jobs.warehouse.row;

import java.util.Optional;

/** A row of routing.logits; the columns are described in schemas/routing.logits.sql. */
public record LogitsRow(
        String modelId,
        String task,
        String split,
        int layer,
        long sequenceId,
        int position,
        int sequenceLength,
        int tokenId,
        Optional<Integer> previousExpert,
        int[] experts,
        float[] gates,
        float[] outputNorms,
        float[] logits) {}

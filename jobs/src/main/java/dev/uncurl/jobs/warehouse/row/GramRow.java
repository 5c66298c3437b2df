package dev.uncurl.jobs.warehouse.row;

/** A row of routing.gram, or of routing.output_gram; the columns are described in schemas/routing.gram.sql. */
public record GramRow(
        String modelId,
        String task,
        String split,
        int layer,
        int experts,
        long tokens,
        long sequences,
        double[] gram,
        String manifestSha256,
        String data,
        String sample) {}

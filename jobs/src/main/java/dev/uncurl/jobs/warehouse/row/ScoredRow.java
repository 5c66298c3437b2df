package dev.uncurl.jobs.warehouse.row;

import java.util.Optional;

/** A row of evaluation.examples; the columns are described in schemas/evaluation.examples.sql. */
public record ScoredRow(
        String modelId,
        String task,
        String split,
        long exampleId,
        Optional<double[]> logLikelihoods,
        Optional<Integer> prediction,
        Optional<Integer> label,
        double textLoss,
        int textTokens,
        double targetLoss,
        int targetTokens,
        Optional<String> manifestSha256,
        Optional<String> data,
        Optional<String> promptVersion) {}

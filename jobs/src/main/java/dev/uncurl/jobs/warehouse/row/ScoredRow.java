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
        Optional<String> promptVersion,
        Optional<Integer> promptTokens,
        Optional<int[]> choiceBytes,
        Optional<int[]> choiceTokens,
        Optional<String> cluster,
        Optional<Long> bytes,
        Optional<String> planId,
        Optional<String> router,
        Optional<int[]> choiceCharacters) {
    /** This row as one of other data, such as of the first examples alone. */
    public ScoredRow withData(String other) {
        return new ScoredRow(
                modelId,
                task,
                split,
                exampleId,
                logLikelihoods,
                prediction,
                label,
                textLoss,
                textTokens,
                targetLoss,
                targetTokens,
                manifestSha256,
                Optional.of(other),
                promptVersion,
                promptTokens,
                choiceBytes,
                choiceTokens,
                cluster,
                bytes,
                planId,
                router,
                choiceCharacters);
    }
}

package dev.uncurl.jobs.warehouse.row;

import java.util.Optional;

/** A row of evaluation.results; the columns are described in schemas/evaluation.results.sql. */
public record ResultRow(
        String modelId,
        String task,
        String split,
        String metric,
        double value,
        long n,
        double standardError,
        Optional<Double> majorityBaseline,
        Optional<Boolean> constantPredictor,
        Optional<String> promptVersion,
        String manifestSha256,
        String data,
        Optional<Long> examplesCut,
        Optional<Long> examplesRefused,
        Optional<Long> rowsRejected,
        Optional<String> planId,
        Optional<String> router) {}

package dev.uncurl.jobs.warehouse.row;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** A row of evaluation.comparisons; the columns are described in schemas/evaluation.comparisons.sql. */
public record ComparisonRow(
        String comparisonId,
        Instant createdAt,
        String task,
        String split,
        String data,
        Optional<String> promptVersion,
        String against,
        String subject,
        List<String> models,
        Optional<String> planId,
        Optional<String> method,
        Optional<String> router,
        Optional<Integer> experts,
        String metric,
        long n,
        long clusters,
        int seeds,
        double value,
        double againstValue,
        double difference,
        double low,
        double high,
        Optional<Long> better,
        Optional<Long> worse,
        Optional<Double> pValue,
        Optional<Double> pMid,
        Optional<Double> pHolm,
        double detectable,
        double margin,
        boolean notWorse,
        String letters,
        double valueLow,
        double valueHigh,
        List<String> flags) {}

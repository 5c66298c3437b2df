package dev.uncurl.jobs.warehouse.row;

import java.util.Map;

/** A row of evaluation.latency; the columns are described in schemas/evaluation.latency.sql. */
public record LatencyRow(
        String modelId,
        int executors,
        int batch,
        int sequenceLength,
        int experts,
        double p50Ms,
        double p95Ms,
        double tokensPerSecond,
        Map<String, Double> parts,
        String manifestSha256) {}

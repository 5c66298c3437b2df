package dev.uncurl.jobs.warehouse.row;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;

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
        String manifestSha256,
        Optional<String> runId,
        Optional<Instant> measuredAt,
        Optional<Integer> warmup,
        Optional<Integer> repeats,
        Optional<Integer> threads,
        Optional<Integer> expertParallel,
        Optional<String> host,
        Optional<String> cpu) {}

package dev.uncurl.jobs.warehouse.row;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A row of pruning.plans; the columns are described in schemas/pruning.plans.sql. */
public record PlanRow(
        String planId,
        String modelId,
        String manifestSha256,
        String task,
        String split,
        String method,
        String weights,
        String budget,
        int expertsBefore,
        int expertsAfter,
        long seed,
        Map<String, String> parameters,
        Map<String, Long> snapshots,
        List<Layer> layers,
        Instant createdAt) {
    /** One MoE layer. */
    public record Layer(
            int layer, int experts, int clusters, double inertia, Optional<Double> silhouette, double predictedCost) {}
}

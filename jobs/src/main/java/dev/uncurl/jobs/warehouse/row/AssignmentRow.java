package dev.uncurl.jobs.warehouse.row;

/** A row of pruning.assignments; the columns are described in schemas/pruning.assignments.sql. */
public record AssignmentRow(
        String planId,
        String modelId,
        String manifestSha256,
        String task,
        String method,
        int expertsBefore,
        int expertsAfter,
        long seed,
        int layer,
        int expert,
        int cluster,
        double weight,
        boolean isReference) {}

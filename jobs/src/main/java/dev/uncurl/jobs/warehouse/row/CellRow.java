package dev.uncurl.jobs.warehouse.row;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/** A row of sweep.cells; the columns are described in schemas/sweep.cells.sql. */
public record CellRow(
        String sweep,
        String asOf,
        int position,
        String cellId,
        String role,
        String modelId,
        String modelSha256,
        int expertsBefore,
        String task,
        String data,
        String split,
        Optional<String> planTask,
        Optional<String> planData,
        Optional<String> method,
        Optional<String> weights,
        Optional<String> budget,
        Optional<Map<String, String>> parameters,
        Optional<Integer> expertsAfter,
        Optional<Long> seed,
        Optional<String> router,
        Optional<String> recipe,
        Optional<Long> recipeSeed,
        String state,
        int attempts,
        Optional<Double> seconds,
        Optional<String> error,
        Optional<String> planId,
        Optional<String> resultsId,
        Optional<String> prunedModelId,
        Optional<Boolean> keepsModel,
        Map<String, String> settings,
        String command,
        Instant updatedAt) {}

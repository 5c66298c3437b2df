package dev.uncurl.jobs.warehouse.row;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/** A row of models.registry; the columns are described in schemas/models.registry.sql. */
public record RegistryRow(
        String modelId,
        Optional<String> parentModelId,
        String stage,
        Map<String, String> inputs,
        String config,
        String path,
        String manifestSha256,
        long parameters,
        long activeParameters,
        long bytes,
        Instant createdAt) {}

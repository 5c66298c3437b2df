package dev.uncurl.jobs.warehouse.row;

/** A row of routing.expert_statistics; the columns are described in schemas/routing.expert_statistics.sql. */
public record ExpertStatisticsRow(
        String modelId,
        String task,
        String split,
        int layer,
        int expert,
        long tokens,
        double fraction,
        double gateMass,
        double meanProbability,
        double meanLogit,
        double outputNorm,
        double contribution,
        double probabilityDeviation,
        long frequentTokens,
        long firstThirdTokens,
        long middleThirdTokens,
        long lastThirdTokens,
        long repeatedTokens) {}

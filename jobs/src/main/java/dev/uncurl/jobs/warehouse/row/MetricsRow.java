package dev.uncurl.jobs.warehouse.row;

import java.util.List;
import java.util.Optional;

/** A row of training.metrics; the columns are described in schemas/training.metrics.sql. */
public record MetricsRow(
        String runId,
        int step,
        long tokens,
        double loss,
        Optional<Double> validationLoss,
        double balanceLoss,
        double gradNorm,
        double lr,
        double tokensPerSecond,
        List<Layer> layers,
        Optional<Long> sequencesHash,
        Optional<Double> computeSecondsMean,
        Optional<Double> computeSecondsMax,
        Optional<Double> waitSecondsMean,
        Optional<Double> waitSecondsMax,
        Optional<Double> exchangeSecondsMean,
        Optional<Double> exchangeSecondsMax,
        Optional<Double> dataSecondsMean,
        Optional<Double> dataSecondsMax,
        Optional<Double> sentBytesMean) {
    /** One MoE layer. */
    public record Layer(int layer, double loadImbalance, int deadExperts, double droppedShare) {}
}

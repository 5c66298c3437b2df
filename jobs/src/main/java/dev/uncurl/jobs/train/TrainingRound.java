package dev.uncurl.jobs.train;

import dev.uncurl.jobs.warehouse.row.MetricsRow;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeLayer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/**
 * The metrics of one round: the steps of all ranks between two averagings. It becomes a row of training.metrics, whose
 * schema describes the columns.
 *
 * @param predicted number of tokens predicted in this round
 * @param seconds wall time of this round
 * @param validationLoss null if it was not measured after this round
 */
record TrainingRound(
        int step,
        long tokens,
        double loss,
        double balanceLoss,
        double gradientNorm,
        double learningRate,
        long predicted,
        double seconds,
        List<Layer> layers,
        Double validationLoss) {
    /**
     * Routing statistics of one MoE layer, over its experts; for a mapped router, over its router rows without masked
     * ones.
     *
     * @param droppedShare share of the tokens' choices that were dropped because of the capacity limit
     */
    record Layer(int layer, double loadImbalance, int deadExperts, double droppedShare) {}

    /**
     * Aggregates the steps of a round.
     *
     * @param step number of steps per rank at the end of the round
     * @param tokensBefore tokens predicted in the previous rounds
     */
    static TrainingRound of(int step, long tokensBefore, double seconds, List<StepMetrics> metrics, ModelConfig model) {
        List<StepMetrics> steps = metrics.stream()
                .sorted(Comparator.comparingInt(StepMetrics::rank).thenComparingInt(StepMetrics::step))
                .toList();
        long predicted = steps.stream().mapToLong(StepMetrics::predicted).sum();
        double sum = 0;
        for (StepMetrics one : steps) {
            sum += one.crossEntropy() * one.predicted();
        }
        return new TrainingRound(
                step,
                tokensBefore + predicted,
                sum / predicted,
                mean(steps, StepMetrics::balance),
                mean(steps, StepMetrics::gradientNorm),
                steps.stream().mapToDouble(StepMetrics::learningRate).max().orElse(0),
                predicted,
                seconds,
                layers(steps, model),
                null);
    }

    private static double mean(List<StepMetrics> steps, ToDoubleFunction<StepMetrics> value) {
        return steps.stream().mapToDouble(value).average().orElse(0);
    }

    private static List<Layer> layers(List<StepMetrics> steps, ModelConfig model) {
        int[] moeLayers = model.moeLayers();
        var layers = new ArrayList<Layer>();
        for (int l = 0; l < moeLayers.length; l++) {
            MoeLayer shape = model.moe().layer(moeLayers[l]);
            int[] expertOfRow = shape.expertOfRow();
            long[] counts = new long[expertOfRow.length];
            long dropped = 0;
            for (StepMetrics step : steps) {
                dropped += step.dropped()[l];
                for (int row = 0; row < counts.length; row++) {
                    counts[row] += step.expertTokens()[l][row];
                }
            }
            long sum = 0;
            long live = 0;
            long most = 0;
            int dead = 0;
            for (int row = 0; row < counts.length; row++) {
                sum += counts[row];
                if (expertOfRow[row] >= 0) {
                    live += counts[row];
                    most = Math.max(most, counts[row]);
                    dead += counts[row] == 0 ? 1 : 0;
                }
            }
            double imbalance = live == 0 ? 1 : (double) most * shape.liveRows() / live;
            layers.add(new Layer(moeLayers[l], imbalance, dead, (double) dropped / sum));
        }
        return layers;
    }

    TrainingRound validated(Double lossOnValidation) {
        return new TrainingRound(
                step,
                tokens,
                loss,
                balanceLoss,
                gradientNorm,
                learningRate,
                predicted,
                seconds,
                layers,
                lossOnValidation);
    }

    MetricsRow toRow(String runId) {
        return new MetricsRow(
                runId,
                step,
                tokens,
                loss,
                Optional.ofNullable(validationLoss),
                balanceLoss,
                gradientNorm,
                learningRate,
                predicted / seconds,
                layers.stream()
                        .map(layer -> new MetricsRow.Layer(
                                layer.layer, layer.loadImbalance, layer.deadExperts, layer.droppedShare))
                        .toList());
    }
}

package dev.uncurl.jobs.train;

import dev.uncurl.jobs.warehouse.row.MetricsRow;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeLayer;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/**
 * The metrics of some successive steps. It becomes a row of training.metrics, whose schema describes the columns.
 *
 * @param step number of the last of these steps in the run
 * @param tokens predicted in the run so far
 * @param predicted number of tokens predicted in these steps
 * @param sequencesHash sum of the hashes of the steps
 * @param validationLoss null if it was not measured after these steps
 */
record TrainingInterval(
        int step,
        long tokens,
        double loss,
        double balanceLoss,
        double gradientNorm,
        double learningRate,
        long predicted,
        long sequencesHash,
        StepTimes times,
        List<Layer> layers,
        Double validationLoss)
        implements Serializable {
    /**
     * Routing statistics of one MoE layer, over its experts; for a mapped router, over its router rows without masked
     * ones.
     *
     * @param droppedShare share of the tokens' choices that were dropped because of the capacity limit
     */
    record Layer(int layer, double loadImbalance, int deadExperts, double droppedShare) implements Serializable {}

    /**
     * Aggregates successive steps.
     *
     * @param tokensBefore tokens predicted before them
     */
    static TrainingInterval of(List<StepMetrics> steps, long tokensBefore, ModelConfig model) {
        long predicted = steps.stream().mapToLong(StepMetrics::predicted).sum();
        double sum = 0;
        for (StepMetrics one : steps) {
            sum += one.crossEntropy() * one.predicted();
        }
        StepMetrics last = steps.get(steps.size() - 1);
        return new TrainingInterval(
                last.step(),
                tokensBefore + predicted,
                sum / predicted,
                mean(steps, StepMetrics::balance),
                mean(steps, StepMetrics::gradientNorm),
                last.learningRate(),
                predicted,
                steps.stream().mapToLong(StepMetrics::sequencesHash).sum(),
                steps.stream().map(StepMetrics::times).reduce(StepTimes.NONE, StepTimes::plus),
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

    TrainingInterval validated(double lossOnValidation) {
        return new TrainingInterval(
                step,
                tokens,
                loss,
                balanceLoss,
                gradientNorm,
                learningRate,
                predicted,
                sequencesHash,
                times,
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
                predicted / times.seconds(),
                layers.stream()
                        .map(layer -> new MetricsRow.Layer(
                                layer.layer, layer.loadImbalance, layer.deadExperts, layer.droppedShare))
                        .toList(),
                Optional.of(sequencesHash),
                Optional.of(times.compute().mean()),
                Optional.of(times.compute().most()),
                Optional.of(times.waiting().mean()),
                Optional.of(times.waiting().most()),
                Optional.of(times.exchange().mean()),
                Optional.of(times.exchange().most()),
                Optional.of(times.data().mean()),
                Optional.of(times.data().most()),
                Optional.of(times.bytes()));
    }
}

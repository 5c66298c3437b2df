package dev.uncurl.jobs;

import dev.uncurl.config.ModelConfig;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;

/** The steps of all ranks between two averages, summed to a row of training.metrics. */
record TrainingRound(int steps, long tokens, double seconds, List<StepMetrics> metrics) {
    TrainingRound {
        metrics = metrics.stream()
                .sorted(Comparator.comparingInt(StepMetrics::rank).thenComparingInt(StepMetrics::step))
                .toList();
    }

    /** Predicted tokens of this round. */
    long predicted() {
        return metrics.stream().mapToLong(StepMetrics::predicted).sum();
    }

    /** Mean cross-entropy per predicted token, nats. */
    double loss() {
        double sum = 0;
        for (StepMetrics step : metrics) {
            sum += step.crossEntropy() * step.predicted();
        }
        return sum / predicted();
    }

    Row toRow(String runId, ModelConfig config) {
        return RowFactory.create(
                runId,
                steps,
                tokens,
                loss(),
                metrics.stream().mapToDouble(StepMetrics::balance).average().orElse(0),
                metrics.stream()
                        .mapToDouble(StepMetrics::gradientNorm)
                        .average()
                        .orElse(0),
                metrics.stream().mapToDouble(StepMetrics::learningRate).max().orElse(0),
                predicted() / seconds,
                layers(config));
    }

    private Row[] layers(ModelConfig config) {
        int[] moeLayers = config.moeLayers();
        int experts = config.moe().experts();
        var rows = new ArrayList<Row>();
        for (int l = 0; l < moeLayers.length; l++) {
            long[] counts = new long[experts];
            for (StepMetrics step : metrics) {
                for (int expert = 0; expert < experts; expert++) {
                    counts[expert] += step.expertTokens()[l][expert];
                }
            }
            long sum = 0;
            long most = 0;
            int dead = 0;
            for (long count : counts) {
                sum += count;
                most = Math.max(most, count);
                dead += count == 0 ? 1 : 0;
            }
            rows.add(RowFactory.create(moeLayers[l], (double) most * experts / sum, dead));
        }
        return rows.toArray(Row[]::new);
    }
}

package dev.uncurl.evaluation;

import dev.uncurl.model.ModelSize;
import dev.uncurl.model.SmoeLanguageModel;
import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.spec.ModelConfig;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Time of a forward pass in one thread, on random tokens, with every position predicted.
 *
 * @param p50Millis median over the timed passes
 * @param p95Millis 95th percentile
 * @param tokensPerSecond at the median
 * @param parts share of the time by part of the model
 */
public record Latency(
        int batch,
        int sequenceLength,
        double p50Millis,
        double p95Millis,
        double tokensPerSecond,
        Map<String, Double> parts) {

    /**
     * @param passes number of timed passes, after a quarter as many warm-up passes
     * @throws dev.uncurl.error.UserError (usage) if the batch does not fit the memory
     */
    public static Latency measure(ModelConfig config, INDArray parameters, int batch, int passes) {
        int columns = config.sequenceLength();
        ModelSize.checkScoring(config, (long) batch * columns);
        int positions = batch * columns;
        var random = new SplittableRandom(1);
        int[] tokens = random.ints(positions, 0, config.vocabulary()).toArray();
        int[] targets = random.ints(positions, 0, config.vocabulary()).toArray();
        var input = new TokenBatch(tokens, targets, batch, columns);
        double[] millis = new double[passes];
        try (var model = SmoeLanguageModel.forScoring(config, parameters, positions)) {
            for (int pass = 0; pass < Math.max(2, passes / 4); pass++) {
                model.forward(input);
            }
            Map<String, Long> before = Map.copyOf(model.partNanos());
            for (int pass = 0; pass < passes; pass++) {
                long start = System.nanoTime();
                model.forward(input);
                millis[pass] = (System.nanoTime() - start) / 1e6;
            }
            Arrays.sort(millis);
            double median = percentile(millis, 0.5);
            return new Latency(
                    batch,
                    columns,
                    median,
                    percentile(millis, 0.95),
                    positions / median * 1000,
                    shares(before, model.partNanos()));
        }
    }

    private static Map<String, Double> shares(Map<String, Long> before, Map<String, Long> after) {
        Map<String, Long> spent = after.entrySet().stream()
                .collect(Collectors.toMap(
                        Map.Entry::getKey,
                        part -> part.getValue() - before.getOrDefault(part.getKey(), 0L),
                        Long::sum,
                        TreeMap::new));
        double total = spent.values().stream().mapToLong(Long::longValue).sum();
        var shares = new TreeMap<String, Double>();
        spent.forEach((part, nanos) -> shares.put(part, nanos / total));
        return shares;
    }

    /** Linear interpolation between the nearest ranks of sorted values. */
    private static double percentile(double[] sorted, double share) {
        double place = share * (sorted.length - 1);
        int below = (int) place;
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
    }
}

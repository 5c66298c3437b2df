package dev.uncurl.pruning;

import dev.uncurl.routing.NaiveStatistics;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * {@code mvn -pl lib test -Dtest=PlanBench -Dsurefire.failIfNoSpecifiedTests=false}: how long plans take from Gram
 * matrices, at the size of the paper's largest model: {@code -Dbench.layers=12}, {@code -Dbench.experts=128}, K of
 * {@code -Dbench.keep=64,32,16,8}. The first round counts too: a command plans in a virtual machine that is cold.
 */
final class PlanBench {
    private static final int LAYERS = Integer.getInteger("bench.layers", 12);
    private static final int EXPERTS = Integer.getInteger("bench.experts", 128);
    private static final int ROUNDS = Integer.getInteger("bench.rounds", 2);
    private static final List<BuiltInMethods> METHODS = List.of(
            BuiltInMethods.KMEANS,
            BuiltInMethods.SPECTRAL,
            BuiltInMethods.AGGLOMERATIVE_AVERAGE,
            BuiltInMethods.DBSCAN);

    /** Named so that only whoever asks for it by name runs it. */
    @Test
    void bench() {
        main();
    }

    public static void main(String... arguments) {
        int[] keeps = Arrays.stream(
                        System.getProperty("bench.keep", "64,32,16,8").split(","))
                .mapToInt(Integer::parseInt)
                .toArray();
        List<LayerStatistics> evidence = IntStream.range(0, LAYERS)
                .parallel()
                .mapToObj(layer -> evidence(2 * layer + 1))
                .toList();
        System.out.printf(
                Locale.ROOT,
                "plans of %d layers x %d experts, K in %s, %d cores; milliseconds%n",
                LAYERS,
                EXPERTS,
                Arrays.toString(keeps),
                Runtime.getRuntime().availableProcessors());
        var ids = new ArrayList<List<String>>();
        for (int round = 1; round <= ROUNDS; round++) {
            ids.add(round(round, keeps, evidence));
        }
        System.out.println(
                ids.stream().distinct().count() == 1
                        ? "every round gave the same plans, to the bit"
                        : "THE ROUNDS GAVE DIFFERENT PLANS");
    }

    private static List<String> round(int round, int[] keeps, List<LayerStatistics> evidence) {
        var ids = new ArrayList<String>();
        double all = 0;
        for (BuiltInMethods method : METHODS) {
            var line = new StringBuilder(String.format("round %d, %s:", round, method.id()));
            for (int keep : keeps) {
                long start = System.nanoTime();
                Plan plan = Planner.plan("bench", "sha", "task", PlanSettings.of(method, keep, 1), evidence, Map.of());
                for (LayerStatistics layer : evidence) {
                    LayerScore.of(layer, plan.layer(layer.layer()));
                }
                double millis = (System.nanoTime() - start) / 1e6;
                ids.add(plan.id());
                all += millis;
                line.append(String.format(Locale.ROOT, " %.0f", millis));
            }
            System.out.println(line);
        }
        System.out.printf(Locale.ROOT, "round %d, %d plans with their scores: %.2f s%n", round, ids.size(), all / 1e3);
        return ids;
    }

    /** Router logits with some structure: a third as many groups as experts. */
    private static LayerStatistics evidence(int layer) {
        var random = new Random(layer);
        float[] logits = Samples.logits(random, 2 * EXPERTS, EXPERTS, EXPERTS / 3 + 1);
        var statistics = new NaiveStatistics(EXPERTS);
        for (int offset = 0; offset < logits.length; offset += EXPERTS) {
            int chosen = random.nextInt(EXPERTS);
            float[] row = Arrays.copyOfRange(logits, offset, offset + EXPERTS);
            statistics.add(new int[] {chosen}, new float[] {0.5f}, row, new float[] {1});
        }
        return new LayerStatistics(layer, Samples.gram(logits, EXPERTS), statistics.statistics());
    }
}

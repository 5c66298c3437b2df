package dev.uncurl.statistics;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The oracle: each draw is a list of examples, and each score a sum over that list. */
final class NaiveBootstrap {
    record Example(long id, String cluster, double weight, double[] values) {}

    private NaiveBootstrap() {}

    /** Clusters of examples, in the order of their first ids. */
    static List<List<Example>> clusters(List<Example> examples) {
        var clusters = new ArrayList<List<Example>>();
        examples.stream().sorted((one, other) -> Long.compare(one.id, other.id)).forEach(example -> clusters.stream()
                .filter(cluster -> example.cluster != null && example.cluster.equals(cluster.get(0).cluster))
                .findFirst()
                .orElseGet(() -> {
                    clusters.add(new ArrayList<>());
                    return clusters.get(clusters.size() - 1);
                })
                .add(example));
        return clusters;
    }

    static double score(List<Example> examples, int model) {
        double sum = 0;
        double weight = 0;
        for (Example example : examples) {
            sum += example.values[model];
            weight += example.weight;
        }
        return sum / weight;
    }

    /** Sorted differences of two models over the draws. */
    static double[] differences(List<Example> examples, int model, int other, int draws, long seed) {
        List<List<Example>> clusters = clusters(examples);
        double[] differences = new double[draws];
        for (int draw = 0; draw < draws; draw++) {
            var random = new CounterRandom(seed, draw);
            var drawn = new ArrayList<Example>();
            for (int i = 0; i < clusters.size(); i++) {
                drawn.addAll(clusters.get(random.below(clusters.size(), i)));
            }
            differences[draw] = score(drawn, model) - score(drawn, other);
        }
        Arrays.sort(differences);
        return differences;
    }

    /** sd(d) / sqrt(n), without clusters and weights. */
    static double standardError(double[] differences) {
        double mean = Arrays.stream(differences).average().orElseThrow();
        double squares =
                Arrays.stream(differences).map(d -> (d - mean) * (d - mean)).sum();
        int n = differences.length;
        return Math.sqrt(squares / (n - 1)) / Math.sqrt(n);
    }
}

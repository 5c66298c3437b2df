package dev.uncurl.routing;

import dev.uncurl.error.UserError;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Similarity of the use of one layer's experts by two tasks.
 *
 * @param one the layer on one task
 * @param two the same layer on another
 */
public record TaskOverlap(LayerRouting one, LayerRouting two) {
    /** @throws UserError (input) if they are not the same layer */
    public TaskOverlap {
        if (one.layer() != two.layer()
                || one.experts() != two.experts()
                || !one.masked().equals(two.masked())
                || !one.zeroed().equals(two.zeroed())) {
            throw UserError.input(
                    "Layer " + one.layer() + " with " + one.experts() + " experts cannot be compared with layer "
                            + two.layer() + " with " + two.experts(),
                    "Dump the router logits of both tasks again, with the same model.");
        }
    }

    /**
     * Square root of the Jensen-Shannon divergence of the shares, to base 2: 0 if equal, 1 if no expert is used by
     * both. With m = (p + q) / 2 the divergence is the mean of sum p log2(p / m) and sum q log2(q / m).
     */
    public double jensenShannonDistance() {
        double divergence = 0;
        for (int expert = 0; expert < one.experts(); expert++) {
            double p = one.share(expert);
            double q = two.share(expert);
            divergence += (surprise(p, (p + q) / 2) + surprise(q, (p + q) / 2)) / 2;
        }
        return Math.sqrt(Math.max(0, divergence));
    }

    private static double surprise(double p, double m) {
        return p > 0 ? p * Math.log(p / m) / Math.log(2) : 0;
    }

    /**
     * Spearman's rank correlation of the counts, with mean ranks for ties; empty if a task uses all experts equally.
     */
    public OptionalDouble rankCorrelation() {
        double[] x = ranks(live(one).map(one.choices()::get).toList());
        double[] y = ranks(live(two).map(two.choices()::get).toList());
        double mean = (x.length + 1) / 2.0;
        double xx = 0;
        double yy = 0;
        double xy = 0;
        for (int i = 0; i < x.length; i++) {
            xx += (x[i] - mean) * (x[i] - mean);
            yy += (y[i] - mean) * (y[i] - mean);
            xy += (x[i] - mean) * (y[i] - mean);
        }
        return xx > 0 && yy > 0 ? OptionalDouble.of(xy / Math.sqrt(xx * yy)) : OptionalDouble.empty();
    }

    private static Stream<Integer> live(LayerRouting routing) {
        return IntStream.range(0, routing.experts()).boxed().filter(routing::isLive);
    }

    /** Ranks from 1 for the lowest count; ties have their mean rank. */
    private static double[] ranks(List<Long> counts) {
        double[] ranks = new double[counts.size()];
        for (int i = 0; i < ranks.length; i++) {
            long count = counts.get(i);
            long below = counts.stream().filter(other -> other < count).count();
            long same = counts.stream().filter(other -> other == count).count();
            ranks[i] = below + (same + 1) / 2.0;
        }
        return ranks;
    }

    /** Number of experts that are among the {@code k} most used of both tasks; ties are ordered by id. */
    public int commonOfTop(int k) {
        var common = new HashSet<>(top(one, k));
        common.retainAll(top(two, k));
        return common.size();
    }

    private static List<Integer> top(LayerRouting routing, int k) {
        return live(routing)
                .sorted(Comparator.comparing(
                        (Integer expert) -> -routing.choices().get(expert)))
                .limit(k)
                .toList();
    }
}

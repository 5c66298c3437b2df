package dev.uncurl.jobs;

import static dev.uncurl.jobs.RoutedRows.BOOLQ;
import static dev.uncurl.jobs.RoutedRows.COPA;
import static dev.uncurl.jobs.RoutedRows.LAYERS;
import static dev.uncurl.jobs.RoutedRows.first;
import static dev.uncurl.jobs.RoutedRows.layers;
import static dev.uncurl.jobs.RoutedRows.number;
import static java.util.Comparator.comparing;

import dev.uncurl.jobs.RoutedRows.Expert;
import dev.uncurl.jobs.RoutedRows.Token;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;

/** What was dumped, and two tasks beside each other. */
final class AnswersOnTasks {
    private final RoutedRows dump;

    AnswersOnTasks(RoutedRows dump) {
        this.dump = dump;
    }

    List<List<Object>> of(int question) {
        return switch (question) {
            case 1 -> dump.tasks((task, layers) ->
                    List.of(task, "train", layers.get(1).size(), starts(layers.get(1)), layers.size()));
            case 16 -> layers(layer -> List.of(layer, jensenShannon(layer), rankCorrelation(layer)));
            case 17 -> topExperts();
            case 18 -> first(
                    5,
                    dump.perExpert(e -> List.<Object>of(
                            e.layer, e.expert, e.share() - dump.new Expert(COPA, e.layer, e.expert).share())),
                    comparing(row -> -number(row, 2)));
            default -> throw new IllegalArgumentException("Not a question of these: " + question);
        };
    }

    private static int starts(List<Token> tokens) {
        return (int) tokens.stream().filter(t -> t.position() == 0).count();
    }

    private double jensenShannon(int layer) {
        double sum = 0;
        for (int e = 0; e < dump.experts; e++) {
            double p = dump.new Expert(BOOLQ, layer, e).share();
            double q = dump.new Expert(COPA, layer, e).share();
            sum += half(p, q) + half(q, p);
        }
        return Math.sqrt(sum / 2);
    }

    private static double half(double p, double q) {
        return p == 0 ? 0 : p * Math.log(2 * p / (p + q)) / Math.log(2);
    }

    private double rankCorrelation(int layer) {
        double[] one = ranks(
                dump.experts(BOOLQ, layer).stream().mapToInt(Expert::count).toArray());
        double[] two =
                ranks(dump.experts(COPA, layer).stream().mapToInt(Expert::count).toArray());
        double middle = (dump.experts + 1) / 2.0;
        double cross = 0;
        double first = 0;
        double second = 0;
        for (int e = 0; e < dump.experts; e++) {
            cross += (one[e] - middle) * (two[e] - middle);
            first += Math.pow(one[e] - middle, 2);
            second += Math.pow(two[e] - middle, 2);
        }
        return cross / Math.sqrt(first * second);
    }

    private static double[] ranks(int[] counts) {
        return Arrays.stream(counts)
                .mapToDouble(count -> Arrays.stream(counts)
                                .filter(other -> other < count)
                                .count()
                        + (Arrays.stream(counts).filter(other -> other == count).count() + 1) / 2.0)
                .toArray();
    }

    private List<List<Object>> topExperts() {
        var rows = new ArrayList<List<Object>>();
        for (int layer : LAYERS) {
            for (int k = 1; k <= dump.experts; k++) {
                var common = new TreeSet<>(dump.byUse(BOOLQ, layer).subList(0, k));
                common.retainAll(dump.byUse(COPA, layer).subList(0, k));
                rows.add(List.of(layer, k, common.size(), common.size() / (double) k));
            }
        }
        return rows;
    }
}

package dev.uncurl.jobs;

import static dev.uncurl.jobs.RoutedRows.BOOLQ;
import static dev.uncurl.jobs.RoutedRows.LAYERS;
import static dev.uncurl.jobs.RoutedRows.first;
import static dev.uncurl.jobs.RoutedRows.mean;
import static dev.uncurl.jobs.RoutedRows.number;
import static java.util.Comparator.comparing;

import dev.uncurl.jobs.RoutedRows.Expert;
import java.util.ArrayList;
import java.util.List;

/** Two experts: how alike their router logits are, and which are chosen together. */
final class AnswersOnPairs {
    private final RoutedRows dump;

    AnswersOnPairs(RoutedRows dump) {
        this.dump = dump;
    }

    List<List<Object>> of(int question) {
        return switch (question) {
            case 13 -> alike();
            case 14 -> nearest();
            case 15 -> together();
            default -> throw new IllegalArgumentException("Not a question of these: " + question);
        };
    }

    private List<List<Object>> alike() {
        var rows = new ArrayList<List<Object>>();
        for (int layer : LAYERS) {
            for (int one = 0; one < dump.experts; one++) {
                for (int two = one + 1; two < dump.experts; two++) {
                    int a = one;
                    int b = two;
                    rows.add(List.of(
                            layer,
                            one,
                            two,
                            mean(
                                    dump.all(layer),
                                    t -> Math.pow(
                                            (double) t.logits().get(a)
                                                    - t.logits().get(b),
                                            2))));
                }
            }
        }
        return first(5, rows, comparing(row -> number(row, 3)));
    }

    private List<List<Object>> nearest() {
        var rows = new ArrayList<List<Object>>();
        for (int layer : LAYERS) {
            for (int one = 0; one < dump.experts; one++) {
                int nearest = -1;
                double highest = -2;
                for (int two = 0; two < dump.experts; two++) {
                    double cosine =
                            product(layer, one, two) / Math.sqrt(product(layer, one, one) * product(layer, two, two));
                    if (two != one && cosine > highest) {
                        highest = cosine;
                        nearest = two;
                    }
                }
                rows.add(List.of(layer, one, nearest, highest));
            }
        }
        return rows;
    }

    private double product(int layer, int one, int two) {
        return dump.all(layer).stream()
                .mapToDouble(t -> (double) t.logits().get(one) * t.logits().get(two))
                .sum();
    }

    private List<List<Object>> together() {
        var rows = new ArrayList<List<Object>>();
        for (int layer : LAYERS) {
            for (Expert one : dump.experts(BOOLQ, layer)) {
                for (Expert two : dump.experts(BOOLQ, layer)) {
                    long both = one.own.stream()
                            .filter(t -> t.experts().contains(two.expert))
                            .count();
                    if (one.expert < two.expert && both > 0) {
                        double lift = (double) both * dump.all(layer).size() / ((double) one.count() * two.count());
                        rows.add(List.of(layer, one.expert, two.expert, both, lift));
                    }
                }
            }
        }
        return first(5, rows, comparing(row -> -number(row, 4)));
    }
}

package dev.uncurl.jobs;

import static dev.uncurl.jobs.RoutedRows.BOOLQ;
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
import java.util.function.Function;
import java.util.function.Predicate;

/** Which experts are used, for what, and how much of a layer each is. */
final class AnswersOnExperts {
    private final RoutedRows dump;

    AnswersOnExperts(RoutedRows dump) {
        this.dump = dump;
    }

    List<List<Object>> of(int question) {
        return switch (question) {
            case 2 -> first(
                    5,
                    dump.perExpert(e -> List.of(e.layer, e.expert, e.count(), e.share())),
                    comparing(row -> -number(row, 2)));
            case 3 -> first(
                    1000,
                    dump.perExpert(e -> List.<Object>of(e.layer, e.expert, e.share() * dump.experts)).stream()
                            .filter(row -> number(row, 2) < 0.5)
                            .toList(),
                    comparing(row -> number(row, 2)));
            case 4 -> layers(this::balance);
            case 5 -> dump.tasksAndLayers((task, layer) -> List.of(task, layer, topTenth(task, layer)));
            case 11 -> lifts(t -> t.id() < 512, e -> List.of(e.layer, e.expert, e.part(t -> t.id() < 512)));
            case 12 -> lifts(
                    t -> t.third() == 0,
                    e -> List.of(
                            e.layer,
                            e.expert,
                            e.part(t -> t.third() == 0),
                            e.part(t -> t.third() == 1),
                            e.part(t -> t.third() == 2)));
            case 20 -> kept();
            default -> throw new IllegalArgumentException("Not a question of these: " + question);
        };
    }

    private List<Object> balance(int layer) {
        List<Expert> all = dump.experts(BOOLQ, layer);
        double entropy = 0;
        for (Expert e : all) {
            entropy -= e.count() == 0 ? 0 : e.share() * Math.log(e.share());
        }
        double largest = all.stream().mapToDouble(Expert::share).max().orElseThrow();
        long dead = all.stream().filter(e -> e.count() == 0).count();
        return List.of(layer, largest * dump.experts, dead, entropy / Math.log(dump.experts));
    }

    private double topTenth(String task, int layer) {
        double[] mass = dump.experts(task, layer).stream()
                .mapToDouble(Expert::gateMass)
                .sorted()
                .toArray();
        double top = 0;
        for (int i = 0; i < (dump.experts + 9) / 10; i++) {
            top += mass[dump.experts - 1 - i];
        }
        return top / Arrays.stream(mass).sum();
    }

    private List<List<Object>> lifts(Predicate<Token> which, Function<Expert, List<Object>> columns) {
        var rows = new ArrayList<List<Object>>();
        for (int layer : LAYERS) {
            List<Expert> used = dump.experts(BOOLQ, layer).stream()
                    .filter(e -> e.count() > 0)
                    .toList();
            double wanted =
                    used.stream().mapToDouble(e -> e.part(which) * e.count()).sum();
            double base = wanted / used.stream().mapToInt(Expert::count).sum();
            for (Expert expert : used) {
                var row = new ArrayList<>(columns.apply(expert));
                row.add(expert.part(which) / base);
                rows.add(row);
            }
        }
        return first(5, rows, comparing(row -> -Math.round(number(row, row.size() - 1) * 1e9)));
    }

    private List<List<Object>> kept() {
        var rows = new ArrayList<List<Object>>();
        for (int layer : LAYERS) {
            double all = dump.experts(BOOLQ, layer).stream()
                    .mapToDouble(Expert::gateMass)
                    .sum();
            double kept = 0;
            int k = 0;
            for (int expert : dump.byUse(BOOLQ, layer)) {
                kept += dump.new Expert(BOOLQ, layer, expert).gateMass();
                rows.add(List.of(layer, ++k, kept / all));
            }
        }
        return rows;
    }
}

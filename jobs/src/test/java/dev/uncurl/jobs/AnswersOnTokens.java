package dev.uncurl.jobs;

import static dev.uncurl.jobs.RoutedRows.LAYERS;
import static dev.uncurl.jobs.RoutedRows.counted;
import static dev.uncurl.jobs.RoutedRows.first;
import static dev.uncurl.jobs.RoutedRows.layers;
import static dev.uncurl.jobs.RoutedRows.mean;
import static dev.uncurl.jobs.RoutedRows.number;
import static java.util.Comparator.comparing;

import dev.uncurl.jobs.RoutedRows.Token;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Where tokens go, and how sure the routers are of it. */
final class AnswersOnTokens {
    private final RoutedRows dump;

    AnswersOnTokens(RoutedRows dump) {
        this.dump = dump;
    }

    List<List<Object>> of(int question) {
        return switch (question) {
            case 6 -> layers(layer -> List.of(
                    layer,
                    mean(dump.all(layer), t -> t.gates().get(0)),
                    dump.all(layer).stream()
                            .mapToDouble(t -> t.gates().get(0))
                            .min()
                            .orElseThrow(),
                    dump.all(layer).stream()
                            .mapToDouble(t -> t.gates().get(0))
                            .max()
                            .orElseThrow()));
            case 7 -> thirds();
            case 8 -> dump.tasksAndLayers((task, layer) ->
                    List.of(task, layer, agreement(dump.tokens.get(task).get(layer))));
            case 9 -> moves();
            case 10 -> counted(
                    dump.all(1).stream().filter(t -> t.experts().get(0) == 2).map(t -> List.<Object>of(t.id())), 5);
            case 19 -> doubts();
            default -> throw new IllegalArgumentException("Not a question of these: " + question);
        };
    }

    private List<List<Object>> thirds() {
        var rows = new ArrayList<List<Object>>();
        for (int layer : LAYERS) {
            for (int third = 0; third < 3; third++) {
                int wanted = third;
                List<Token> in = dump.all(layer).stream()
                        .filter(t -> t.third() == wanted)
                        .toList();
                rows.add(
                        List.of(layer, third, in.size(), mean(in, t -> t.gates().get(0))));
            }
        }
        return rows;
    }

    private static double agreement(List<Token> tokens) {
        int same = 0;
        int pairs = 0;
        for (int i = 1; i < tokens.size(); i++) {
            if (tokens.get(i).sequence() == tokens.get(i - 1).sequence()) {
                pairs++;
                same += tokens.get(i)
                                .experts()
                                .get(0)
                                .equals(tokens.get(i - 1).experts().get(0))
                        ? 1
                        : 0;
            }
        }
        return same / (double) pairs;
    }

    private List<List<Object>> moves() {
        var moves = new ArrayList<List<Object>>();
        for (int layer : LAYERS) {
            List<Token> all = dump.all(layer);
            for (int i = 1; i < all.size(); i++) {
                int from = all.get(i - 1).experts().get(0);
                int to = all.get(i).experts().get(0);
                if (all.get(i).sequence() == all.get(i - 1).sequence() && from != to) {
                    moves.add(List.of(layer, from, to));
                }
            }
        }
        return counted(moves.stream(), 5);
    }

    private List<List<Object>> doubts() {
        var rows = new ArrayList<List<Object>>();
        for (int layer : LAYERS) {
            var byId = dump.all(layer).stream()
                    .collect(Collectors.groupingBy(Token::id, TreeMap::new, Collectors.toList()));
            byId.forEach((id, same) -> {
                if (same.size() >= 3) {
                    rows.add(List.of(layer, id, same.size(), mean(same, t -> {
                        var sorted = new ArrayList<>(t.logits());
                        sorted.sort(Collections.reverseOrder());
                        return (double) sorted.get(0) - sorted.get(1);
                    })));
                }
            });
        }
        return first(5, rows, comparing(row -> number(row, 3)));
    }
}

package dev.uncurl.jobs;

import static java.util.Comparator.comparing;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.spark.sql.Row;

/** The rows of routing.logits that the questions of the cookbook are about, and what their answers are made of. */
final class RoutedRows {
    static final String BOOLQ = "superglue/boolq";
    static final String COPA = "superglue/copa";
    static final List<Integer> LAYERS = List.of(1, 3);

    record Token(
            String task,
            int layer,
            long sequence,
            int position,
            int length,
            int id,
            List<Integer> experts,
            List<Float> gates,
            List<Float> logits) {
        int third() {
            return position * 3 / length;
        }
    }

    /** Tokens by task and layer, in the order of sequences and positions. */
    final Map<String, Map<Integer, List<Token>>> tokens;

    final int experts;

    RoutedRows(List<Row> rows) {
        tokens = rows.stream()
                .map(row -> new Token(
                        row.getAs("task"),
                        row.getAs("layer"),
                        row.getAs("sequence_id"),
                        row.getAs("position"),
                        row.getAs("sequence_length"),
                        row.getAs("token_id"),
                        row.getList(row.fieldIndex("experts")),
                        row.getList(row.fieldIndex("gates")),
                        row.getList(row.fieldIndex("logits"))))
                .sorted(comparing(Token::sequence).thenComparing(Token::position))
                .collect(Collectors.groupingBy(
                        Token::task,
                        TreeMap::new,
                        Collectors.groupingBy(Token::layer, TreeMap::new, Collectors.toList())));
        experts = tokens.get(BOOLQ).get(1).get(0).logits.size();
    }

    List<Token> all(int layer) {
        return tokens.get(BOOLQ).get(layer);
    }

    /** One expert on one task. */
    final class Expert {
        final int layer;
        final int expert;
        final List<Token> own;
        final double choices;

        Expert(String task, int layer, int expert) {
            this.layer = layer;
            this.expert = expert;
            List<Token> all = tokens.get(task).get(layer);
            own = all.stream().filter(t -> t.experts.contains(expert)).toList();
            choices = all.stream().mapToInt(t -> t.experts.size()).sum();
        }

        int count() {
            return own.size();
        }

        double share() {
            return own.size() / choices;
        }

        double part(Predicate<Token> which) {
            return own.stream().filter(which).count() / (double) own.size();
        }

        double gateMass() {
            return own.stream()
                    .mapToDouble(t -> t.gates.get(t.experts.indexOf(expert)))
                    .sum();
        }
    }

    List<Expert> experts(String task, int layer) {
        return IntStream.range(0, experts)
                .mapToObj(e -> new Expert(task, layer, e))
                .toList();
    }

    List<List<Object>> perExpert(Function<Expert, List<Object>> row) {
        return LAYERS.stream()
                .flatMap(layer -> experts(BOOLQ, layer).stream())
                .map(row)
                .toList();
    }

    static List<List<Object>> layers(Function<Integer, List<Object>> row) {
        return LAYERS.stream().map(row).toList();
    }

    interface OfTask<T> {
        List<Object> row(String task, T of);
    }

    List<List<Object>> tasks(OfTask<Map<Integer, List<Token>>> row) {
        return tokens.entrySet().stream()
                .map(entry -> row.row(entry.getKey(), entry.getValue()))
                .toList();
    }

    List<List<Object>> tasksAndLayers(OfTask<Integer> row) {
        return tokens.keySet().stream()
                .flatMap(task -> LAYERS.stream().map(layer -> row.row(task, layer)))
                .toList();
    }

    /** The first rows of those in their order, sorted stably. */
    static List<List<Object>> first(int limit, List<List<Object>> rows, Comparator<List<Object>> order) {
        return rows.stream().sorted(order).limit(limit).toList();
    }

    static double number(List<Object> row, int column) {
        return ((Number) row.get(column)).doubleValue();
    }

    static double mean(List<Token> tokens, ToDoubleFunction<Token> value) {
        return tokens.stream().mapToDouble(value).average().orElseThrow();
    }

    /** The most frequent keys with their counts at the end, equally frequent ones in the order of their numbers. */
    static List<List<Object>> counted(Stream<List<Object>> keys, int limit) {
        var counts = new TreeMap<List<Object>, Long>(RoutedRows::compare);
        keys.forEach(key -> counts.merge(key, 1L, Long::sum));
        var rows = new ArrayList<List<Object>>();
        counts.forEach((key, count) -> {
            var row = new ArrayList<>(key);
            row.add(count);
            rows.add(row);
        });
        return first(limit, rows, comparing(row -> -number(row, row.size() - 1)));
    }

    static int compare(List<Object> one, List<Object> other) {
        for (int i = 0; i < one.size(); i++) {
            int order = Double.compare(number(one, i), number(other, i));
            if (order != 0) {
                return order;
            }
        }
        return 0;
    }

    List<Integer> byUse(String task, int layer) {
        return experts(task, layer).stream()
                .sorted(comparing(e -> -e.count()))
                .map(e -> e.expert)
                .toList();
    }
}

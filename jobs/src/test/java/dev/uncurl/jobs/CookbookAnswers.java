package dev.uncurl.jobs;

import static java.util.Comparator.comparing;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.spark.sql.Row;

/** The answers to the questions in the README of schemas/, from the rows of routing.logits alone. */
final class CookbookAnswers {
    private static final String BOOLQ = "superglue/boolq";
    private static final String COPA = "superglue/copa";
    private static final List<Integer> LAYERS = List.of(1, 3);

    private record Token(
            String task,
            int layer,
            long sequence,
            int position,
            int length,
            int id,
            List<Integer> experts,
            List<Float> gates,
            List<Float> logits) {}

    /** Tokens by task and layer, in the order of sequences and positions. */
    private final Map<String, Map<Integer, List<Token>>> tokens;

    private final int experts;

    CookbookAnswers(List<Row> rows) {
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

    /** Rows as the SQL gives them; real numbers are Doubles. */
    List<List<Object>> of(int question) {
        return switch (question) {
            case 1 -> tasks((task, layers) ->
                    List.of(task, "train", layers.get(1).size(), starts(layers.get(1)), layers.size()));
            case 2 -> first(
                    5,
                    perExpert(e -> List.of(e.layer, e.expert, e.count(), e.share())),
                    comparing(row -> -number(row, 2)));
            case 3 -> first(
                    1000,
                    perExpert(e -> List.<Object>of(e.layer, e.expert, e.share() * experts)).stream()
                            .filter(row -> number(row, 2) < 0.5)
                            .toList(),
                    comparing(row -> number(row, 2)));
            case 4 -> layers(this::balance);
            case 5 -> tasksAndLayers((task, layer) -> List.of(task, layer, topTenth(task, layer)));
            case 6 -> layers(layer -> List.of(
                    layer,
                    mean(all(layer), t -> t.gates.get(0)),
                    all(layer).stream().mapToDouble(t -> t.gates.get(0)).min().orElseThrow(),
                    all(layer).stream().mapToDouble(t -> t.gates.get(0)).max().orElseThrow()));
            case 7 -> thirds();
            case 8 -> tasksAndLayers((task, layer) ->
                    List.of(task, layer, agreement(tokens.get(task).get(layer))));
            case 9 -> moves();
            case 10 -> counted(
                    all(1).stream().filter(t -> t.experts.get(0) == 2).map(t -> List.<Object>of(t.id)), 5);
            case 11 -> lifts(t -> t.id < 512, e -> List.of(e.layer, e.expert, e.part(t -> t.id < 512)));
            case 12 -> lifts(
                    t -> third(t) == 0,
                    e -> List.of(
                            e.layer,
                            e.expert,
                            e.part(t -> third(t) == 0),
                            e.part(t -> third(t) == 1),
                            e.part(t -> third(t) == 2)));
            case 13 -> alike();
            case 14 -> nearest();
            case 15 -> together();
            case 16 -> layers(layer -> List.of(layer, jensenShannon(layer), rankCorrelation(layer)));
            case 17 -> topExperts();
            case 18 -> first(
                    5,
                    perExpert(e -> List.<Object>of(
                            e.layer, e.expert, e.share() - new Expert(COPA, e.layer, e.expert).share())),
                    comparing(row -> -number(row, 2)));
            case 19 -> doubts();
            case 20 -> kept();
            default -> throw new IllegalArgumentException("There is no answer to question " + question);
        };
    }

    private List<Token> all(int layer) {
        return tokens.get(BOOLQ).get(layer);
    }

    /** One expert on one task. */
    private final class Expert {
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

    private List<Expert> experts(String task, int layer) {
        return IntStream.range(0, experts)
                .mapToObj(e -> new Expert(task, layer, e))
                .toList();
    }

    private List<List<Object>> perExpert(Function<Expert, List<Object>> row) {
        return LAYERS.stream()
                .flatMap(layer -> experts(BOOLQ, layer).stream())
                .map(row)
                .toList();
    }

    private static List<List<Object>> layers(Function<Integer, List<Object>> row) {
        return LAYERS.stream().map(row).toList();
    }

    private interface OfTask<T> {
        List<Object> row(String task, T of);
    }

    private List<List<Object>> tasks(OfTask<Map<Integer, List<Token>>> row) {
        return tokens.entrySet().stream()
                .map(entry -> row.row(entry.getKey(), entry.getValue()))
                .toList();
    }

    private List<List<Object>> tasksAndLayers(OfTask<Integer> row) {
        return tokens.keySet().stream()
                .flatMap(task -> LAYERS.stream().map(layer -> row.row(task, layer)))
                .toList();
    }

    /** The first rows of those in their order, sorted stably. */
    private static List<List<Object>> first(int limit, List<List<Object>> rows, Comparator<List<Object>> order) {
        return rows.stream().sorted(order).limit(limit).toList();
    }

    private static double number(List<Object> row, int column) {
        return ((Number) row.get(column)).doubleValue();
    }

    private static double mean(List<Token> tokens, ToDoubleFunction<Token> value) {
        return tokens.stream().mapToDouble(value).average().orElseThrow();
    }

    private static int starts(List<Token> tokens) {
        return (int) tokens.stream().filter(t -> t.position == 0).count();
    }

    private static int third(Token token) {
        return token.position * 3 / token.length;
    }

    private List<Object> balance(int layer) {
        List<Expert> all = experts(BOOLQ, layer);
        double entropy = 0;
        for (Expert e : all) {
            entropy -= e.count() == 0 ? 0 : e.share() * Math.log(e.share());
        }
        double largest = all.stream().mapToDouble(Expert::share).max().orElseThrow();
        long dead = all.stream().filter(e -> e.count() == 0).count();
        return List.of(layer, largest * experts, dead, entropy / Math.log(experts));
    }

    private double topTenth(String task, int layer) {
        double[] mass = experts(task, layer).stream()
                .mapToDouble(Expert::gateMass)
                .sorted()
                .toArray();
        double top = 0;
        for (int i = 0; i < (experts + 9) / 10; i++) {
            top += mass[experts - 1 - i];
        }
        return top / Arrays.stream(mass).sum();
    }

    private List<List<Object>> thirds() {
        var rows = new ArrayList<List<Object>>();
        for (int layer : LAYERS) {
            for (int third = 0; third < 3; third++) {
                int wanted = third;
                List<Token> in =
                        all(layer).stream().filter(t -> third(t) == wanted).toList();
                rows.add(List.of(layer, third, in.size(), mean(in, t -> t.gates.get(0))));
            }
        }
        return rows;
    }

    private static double agreement(List<Token> tokens) {
        int same = 0;
        int pairs = 0;
        for (int i = 1; i < tokens.size(); i++) {
            if (tokens.get(i).sequence == tokens.get(i - 1).sequence) {
                pairs++;
                same += tokens.get(i)
                                .experts
                                .get(0)
                                .equals(tokens.get(i - 1).experts.get(0))
                        ? 1
                        : 0;
            }
        }
        return same / (double) pairs;
    }

    private List<List<Object>> moves() {
        var moves = new ArrayList<List<Object>>();
        for (int layer : LAYERS) {
            List<Token> all = all(layer);
            for (int i = 1; i < all.size(); i++) {
                int from = all.get(i - 1).experts.get(0);
                int to = all.get(i).experts.get(0);
                if (all.get(i).sequence == all.get(i - 1).sequence && from != to) {
                    moves.add(List.of(layer, from, to));
                }
            }
        }
        return counted(moves.stream(), 5);
    }

    /** The most frequent keys with their counts at the end, equally frequent ones in the order of their numbers. */
    private static List<List<Object>> counted(java.util.stream.Stream<List<Object>> keys, int limit) {
        var counts = new TreeMap<List<Object>, Long>(CookbookAnswers::compare);
        keys.forEach(key -> counts.merge(key, 1L, Long::sum));
        var rows = new ArrayList<List<Object>>();
        counts.forEach((key, count) -> {
            var row = new ArrayList<>(key);
            row.add(count);
            rows.add(row);
        });
        return first(limit, rows, comparing(row -> -number(row, row.size() - 1)));
    }

    private static int compare(List<Object> one, List<Object> other) {
        for (int i = 0; i < one.size(); i++) {
            int order = Double.compare(number(one, i), number(other, i));
            if (order != 0) {
                return order;
            }
        }
        return 0;
    }

    private List<List<Object>> lifts(Predicate<Token> which, Function<Expert, List<Object>> columns) {
        var rows = new ArrayList<List<Object>>();
        for (int layer : LAYERS) {
            List<Expert> used =
                    experts(BOOLQ, layer).stream().filter(e -> e.count() > 0).toList();
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

    private List<List<Object>> alike() {
        var rows = new ArrayList<List<Object>>();
        for (int layer : LAYERS) {
            for (int one = 0; one < experts; one++) {
                for (int two = one + 1; two < experts; two++) {
                    int a = one;
                    int b = two;
                    rows.add(List.of(
                            layer,
                            one,
                            two,
                            mean(all(layer), t -> Math.pow((double) t.logits.get(a) - t.logits.get(b), 2))));
                }
            }
        }
        return first(5, rows, comparing(row -> number(row, 3)));
    }

    private List<List<Object>> nearest() {
        var rows = new ArrayList<List<Object>>();
        for (int layer : LAYERS) {
            for (int one = 0; one < experts; one++) {
                int nearest = -1;
                double highest = -2;
                for (int two = 0; two < experts; two++) {
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
        return all(layer).stream()
                .mapToDouble(t -> (double) t.logits.get(one) * t.logits.get(two))
                .sum();
    }

    private List<List<Object>> together() {
        var rows = new ArrayList<List<Object>>();
        for (int layer : LAYERS) {
            for (Expert one : experts(BOOLQ, layer)) {
                for (Expert two : experts(BOOLQ, layer)) {
                    long both = one.own.stream()
                            .filter(t -> t.experts.contains(two.expert))
                            .count();
                    if (one.expert < two.expert && both > 0) {
                        double lift = (double) both * all(layer).size() / ((double) one.count() * two.count());
                        rows.add(List.of(layer, one.expert, two.expert, both, lift));
                    }
                }
            }
        }
        return first(5, rows, comparing(row -> -number(row, 4)));
    }

    private double jensenShannon(int layer) {
        double sum = 0;
        for (int e = 0; e < experts; e++) {
            double p = new Expert(BOOLQ, layer, e).share();
            double q = new Expert(COPA, layer, e).share();
            sum += half(p, q) + half(q, p);
        }
        return Math.sqrt(sum / 2);
    }

    private static double half(double p, double q) {
        return p == 0 ? 0 : p * Math.log(2 * p / (p + q)) / Math.log(2);
    }

    private double rankCorrelation(int layer) {
        double[] one =
                ranks(experts(BOOLQ, layer).stream().mapToInt(Expert::count).toArray());
        double[] two =
                ranks(experts(COPA, layer).stream().mapToInt(Expert::count).toArray());
        double middle = (experts + 1) / 2.0;
        double cross = 0;
        double first = 0;
        double second = 0;
        for (int e = 0; e < experts; e++) {
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

    private List<Integer> byUse(String task, int layer) {
        return experts(task, layer).stream()
                .sorted(comparing(e -> -e.count()))
                .map(e -> e.expert)
                .toList();
    }

    private List<List<Object>> topExperts() {
        var rows = new ArrayList<List<Object>>();
        for (int layer : LAYERS) {
            for (int k = 1; k <= experts; k++) {
                var common = new TreeSet<>(byUse(BOOLQ, layer).subList(0, k));
                common.retainAll(byUse(COPA, layer).subList(0, k));
                rows.add(List.of(layer, k, common.size(), common.size() / (double) k));
            }
        }
        return rows;
    }

    private List<List<Object>> doubts() {
        var rows = new ArrayList<List<Object>>();
        for (int layer : LAYERS) {
            var byId = all(layer).stream().collect(Collectors.groupingBy(Token::id, TreeMap::new, Collectors.toList()));
            byId.forEach((id, same) -> {
                if (same.size() >= 3) {
                    rows.add(List.of(layer, id, same.size(), mean(same, t -> {
                        var sorted = new ArrayList<>(t.logits);
                        sorted.sort(Collections.reverseOrder());
                        return (double) sorted.get(0) - sorted.get(1);
                    })));
                }
            });
        }
        return first(5, rows, comparing(row -> number(row, 3)));
    }

    private List<List<Object>> kept() {
        var rows = new ArrayList<List<Object>>();
        for (int layer : LAYERS) {
            double all =
                    experts(BOOLQ, layer).stream().mapToDouble(Expert::gateMass).sum();
            double kept = 0;
            int k = 0;
            for (int expert : byUse(BOOLQ, layer)) {
                kept += new Expert(BOOLQ, layer, expert).gateMass();
                rows.add(List.of(layer, ++k, kept / all));
            }
        }
        return rows;
    }
}

package dev.uncurl.jobs.report;

import dev.uncurl.jobs.warehouse.row.MetricsRow;
import java.lang.reflect.RecordComponent;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/** Made-up studies with numbers as a demo gives them. */
final class Studies {
    static final String BASE = "demo-base";
    static final String TUNED = "demo-base-flan";
    static final String TASK = "flan";
    private static final Instant TIME = Instant.parse("2026-01-02T03:04:05Z");

    private Studies() {}

    /** A study of one task, before and after finetuning. */
    static Study study(String model, String task) {
        StudiedModel base = model(model, Optional.of("demo-pretrained"), "prefinetune", Map.of("task", "flan"), 8);
        return new Study(
                base,
                "validation",
                List.of(
                        curve("demo-pretrained", 40, OptionalDouble.of(6.88)),
                        curve(model, 16, OptionalDouble.empty())),
                List.of(model("demo-pretrained", Optional.empty(), "pretrain", Map.of(), 8), base),
                List.of(new Study.Task(
                        task,
                        "Data: " + task + "@0123456789ab",
                        Optional.of(before(model, task)),
                        List.of(after(TUNED, task)),
                        Optional.of(RoutingPages.tasks(8, 2, List.of(task)).get(0)),
                        "train")),
                Optional.empty());
    }

    static StudiedModel model(
            String id, Optional<String> parent, String stage, Map<String, String> inputs, int experts) {
        return new StudiedModel(
                id, parent, stage, inputs, "sha-" + id, Optional.of(experts), 3_704_320, 1_860_000, 14_817_280);
    }

    static LossCurve curve(String run, int rounds, OptionalDouble unigram) {
        var rows = new ArrayList<MetricsRow>();
        for (int i = 0; i < rounds; i++) {
            double loss = 5.6 + 3.3 * Math.exp(-4.0 * i / rounds) + 0.05 * Math.sin(7 * i);
            Optional<Double> validation = i % 5 == 4 ? Optional.of(loss + 0.1) : Optional.empty();
            rows.add(new MetricsRow(
                    run,
                    10 * (i + 1),
                    12_500L * (i + 1),
                    loss,
                    validation,
                    1.1,
                    0.9,
                    1e-3,
                    9000,
                    List.of(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty()));
        }
        return new LossCurve(run, rows, unigram);
    }

    static StoredComparison before(String model, String task) {
        var rows = new ArrayList<Compared>();
        rows.add(row(model, task, model, null, null, null, 1, 5.231, 0, 0, 0, "a"));
        Object[][] table = {
            {"uncurl", "map", 4, 1, -0.004, 0.006, "a"},
            {"m-smoe", "map", 4, 1, 0.002, 0.007, "a"},
            {"frequency", "mask", 4, 1, 0.019, 0.008, "b"},
            {"reap", "mask", 4, 1, 0.031, 0.009, "bc"},
            {"random", "mask", 4, 3, 0.052, 0.024, "c"},
            {"uncurl", "map", 2, 1, 0.021, 0.009, "b"},
            {"m-smoe", "map", 2, 1, 0.034, 0.010, "bc"},
            {"frequency", "mask", 2, 1, 0.088, 0.012, "d"},
            {"reap", "mask", 2, 1, 0.101, 0.013, "d"},
            {"random", "mask", 2, 3, 0.131, 0.041, "d"},
            {"uncurl", "map", 1, 1, 0.058, 0.012, "c"},
            {"m-smoe", "map", 1, 1, 0.058, 0.012, "c"},
            {"frequency", "mask", 1, 1, 0.243, 0.019, "e"},
            {"reap", "mask", 1, 1, 0.262, 0.019, "e"},
            {"random", "mask", 1, 3, 0.301, 0.052, "e"},
        };
        for (Object[] r : table) {
            String subject = model + "+0123456789ab-" + r[1];
            rows.add(row(
                    model,
                    task,
                    subject,
                    (String) r[0],
                    (String) r[1],
                    (Integer) r[2],
                    (Integer) r[3],
                    5.231 + (Double) r[4],
                    (Double) r[4],
                    (Double) r[4] - (Double) r[5],
                    (Double) r[4] + (Double) r[5],
                    (String) r[6]));
        }
        return StoredComparison.newest(rows).get(0);
    }

    static StoredComparison after(String tuned, String task) {
        var rows = new ArrayList<Compared>();
        rows.add(row(tuned, task, tuned, null, null, null, 1, 4.902, 0, 0, 0, "a"));
        Object[][] table = {
            {"uncurl", "map", 0.006, 0.007, "a"},
            {"frequency", "mask", 0.020, 0.008, "b"},
            {"random", "mask", 0.031, 0.009, "b"},
        };
        for (Object[] r : table) {
            rows.add(row(
                    tuned,
                    task,
                    "demo-" + r[0] + "-2e-flan",
                    (String) r[0],
                    (String) r[1],
                    2,
                    1,
                    4.902 + (Double) r[2],
                    (Double) r[2],
                    (Double) r[2] - (Double) r[3],
                    (Double) r[2] + (Double) r[3],
                    (String) r[4]));
        }
        for (Object[] r : table) { // accuracies: nobody can do it
            rows.add(accuracy(tuned, task, "demo-" + r[0] + "-2e-flan", (String) r[0], (String) r[1]));
        }
        return StoredComparison.newest(rows).get(0);
    }

    private static Compared row(
            String against,
            String task,
            String subject,
            String method,
            String router,
            Integer experts,
            int seeds,
            double value,
            double difference,
            double low,
            double high,
            String letters) {
        return new Compared(
                "c-" + against,
                TIME,
                task,
                "validation",
                task + "@0123456789ab",
                against,
                subject,
                List.of(subject),
                Optional.ofNullable(method),
                Optional.ofNullable(router),
                Optional.ofNullable(experts),
                "loss_per_token",
                61_234,
                seeds,
                value,
                difference,
                low,
                high,
                Optional.empty(),
                Optional.of(Math.max(0.004, (high - low) / 2 * 1.43)),
                0.01,
                Optional.of(high < 0.01),
                Optional.of(letters),
                Optional.of(value - 0.06),
                Optional.of(value + 0.06),
                Optional.of(List.of()));
    }

    static Compared accuracy(String against, String task, String subject, String method, String router) {
        return new Compared(
                "c-" + against,
                TIME,
                task,
                "validation",
                task + "@0123456789ab",
                against,
                subject,
                List.of(subject),
                Optional.of(method),
                Optional.of(router),
                Optional.of(2),
                "acc",
                150,
                1,
                0.41,
                -0.01,
                -0.06,
                0.04,
                Optional.of(1.0),
                Optional.of(0.075),
                0.01,
                Optional.of(false),
                Optional.of("a"),
                Optional.of(0.33),
                Optional.of(0.49),
                Optional.of(List.of("constant", "below-majority", "few-examples")));
    }

    /** A row with this interval and its middle as difference. */
    static Compared difference(String metric, double low, double high) {
        double middle = (low + high) / 2;
        boolean loss = metric.contains("loss") || metric.contains("bits");
        return new Compared(
                "c",
                TIME,
                TASK,
                "validation",
                TASK + "@0123456789ab",
                BASE,
                "other",
                List.of("other"),
                Optional.of("uncurl"),
                Optional.of("map"),
                Optional.of(2),
                metric,
                400,
                1,
                1 + middle,
                middle,
                low,
                high,
                Optional.empty(),
                Optional.of(0.01),
                0.01,
                Optional.of(loss ? high < 0.01 : low > -0.01),
                Optional.of("a"),
                Optional.empty(),
                Optional.empty(),
                Optional.of(List.of()));
    }

    /** The row in another comparison. */
    static Compared at(Compared row, String comparison, Instant time) {
        return changed(row, Map.of("comparisonId", comparison, "createdAt", time));
    }

    /** The row of a model whose own row does not say how it was pruned. */
    static Compared unnamed(Compared row) {
        return changed(
                row, Map.of("method", Optional.empty(), "router", Optional.empty(), "experts", Optional.empty()));
    }

    /** The row with other values of some components. */
    private static Compared changed(Compared row, Map<String, Object> values) {
        try {
            RecordComponent[] components = Compared.class.getRecordComponents();
            Class<?>[] types = new Class<?>[components.length];
            Object[] all = new Object[components.length];
            for (int i = 0; i < components.length; i++) {
                types[i] = components[i].getType();
                Object own = components[i].getAccessor().invoke(row);
                all[i] = values.getOrDefault(components[i].getName(), own);
            }
            return Compared.class.getDeclaredConstructor(types).newInstance(all);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }
}

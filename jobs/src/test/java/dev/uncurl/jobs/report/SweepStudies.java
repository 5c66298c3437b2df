package dev.uncurl.jobs.report;

import dev.uncurl.jobs.report.SweepStudy.Calibrated;
import dev.uncurl.jobs.report.SweepStudy.Change;
import dev.uncurl.jobs.report.SweepStudy.ChosenPlan;
import dev.uncurl.jobs.report.SweepStudy.Group;
import dev.uncurl.jobs.report.SweepStudy.Smallest;
import dev.uncurl.jobs.report.SweepStudy.Threshold;
import dev.uncurl.jobs.warehouse.row.AssignmentRow;
import dev.uncurl.jobs.warehouse.row.CellRow;
import dev.uncurl.jobs.warehouse.row.PlanRow;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Made-up sweeps with numbers as a demo gives them. */
final class SweepStudies {
    private static final Instant TIME = Instant.parse("2026-01-02T03:04:05Z");
    private static final Optional<String> NONE = Optional.empty();

    private SweepStudies() {}

    /** Two models on a task; controls, a failure, times, changes. */
    static SweepStudy study(String sweep, String model, String task) {
        var settings = new ArrayList<SettingRow>();
        for (int experts : new int[] {8, 16}) {
            settings.addAll(settings(model + "-" + experts + "e", experts, task));
        }
        Group group = Group.of(settings.get(0));
        SettingRow chosen = settings.get(1);
        return new SweepStudy(
                sweep,
                "2026-11-26",
                List.of(
                        cell(sweep, model, task, "done", NONE),
                        cell(sweep, model, task, "failed", Optional.of("No <K>"))),
                settings,
                List.of(new Smallest(
                        group.modelId(),
                        task,
                        "validation",
                        NONE,
                        "loss_per_token",
                        true,
                        Optional.of(0.01),
                        4,
                        chosen.method(),
                        chosen.experts(),
                        Optional.of(0.63),
                        Optional.of(chosen.models()))),
                thresholds(model, task),
                Optional.of("2026-11-25"),
                List.of(new Change(
                        "new on the frontier",
                        group.modelId(),
                        task,
                        NONE,
                        "loss_per_token",
                        "method",
                        Optional.of("uncurl"),
                        NONE,
                        NONE,
                        NONE,
                        Optional.of(task),
                        Optional.of(4),
                        Optional.of("map"),
                        5.22,
                        Optional.of(5.25))),
                List.of(new ChosenPlan(group, chosen, true, plan(group, task), assignments())),
                List.of(
                        calibrated(group, task, "frequency", 1, 300, 0.6),
                        calibrated(group, task, "frequency", 2, 610, 1),
                        calibrated(group, task, "reap", 1, 300, 0.5),
                        calibrated(group, task, "reap", 2, 610, 1)),
                NONE);
    }

    static List<SettingRow> settings(String model, int experts, String task) {
        Object[][] table = {
            {"parent", null, null, experts, 14.8, 0.0, 0.0, "a", 1},
            {"method", "uncurl", "map", 4, 9.3, -0.004, 0.006, "a", 2},
            {"method", "m-smoe", "map", 4, 9.3, 0.002, 0.007, "a", 1},
            {"method", "frequency", "mask", 4, 9.3, 0.019, 0.008, "b", 1},
            {"random", "random", "mask", 4, 9.3, 0.052, 0.024, "c", 5},
            {"other-task", "uncurl", "map", 4, 9.3, 0.031, 0.009, "bc", 2},
            {"scratch", null, null, 4, 9.25, 0.210, 0.030, "d", 2},
            {"method", "uncurl", "map", 2, 6.6, 0.021, 0.009, "b", 2},
            {"method", "m-smoe", "map", 2, 6.6, 0.034, 0.010, "bc", 1},
            {"method", "frequency", "mask", 2, 6.6, 0.088, 0.012, "d", 1},
            {"random", "random", "mask", 2, 6.6, 0.131, 0.041, "d", 5},
        };
        var rows = new ArrayList<SettingRow>();
        for (String metric : List.of("loss_per_token", "acc")) {
            for (Object[] r : table) {
                rows.add(row(model, experts, task, metric, rows.size(), r));
            }
        }
        return rows;
    }

    private static SettingRow row(String model, int before, String task, String metric, int position, Object[] r) {
        boolean loss = metric.equals("loss_per_token");
        double difference = loss ? (Double) r[5] : -(Double) r[5];
        double value = (loss ? 5.231 : 0.61) + difference;
        double half = (Double) r[6];
        Optional<String> method = Optional.ofNullable((String) r[1]);
        return new SettingRow(
                model,
                before,
                task,
                "validation",
                NONE,
                metric,
                (String) r[0],
                method.map(name -> r[0].equals("other-task") ? "another-task" : task),
                method,
                method.map(name -> "frequency"),
                method.map(name -> "uniform"),
                method.map(name -> ""),
                Optional.of((Integer) r[3]),
                Optional.ofNullable((String) r[2]),
                (Integer) r[8],
                61_234,
                value,
                Optional.of(value - 0.06),
                Optional.of(value + 0.06),
                Optional.of(difference),
                Optional.of(difference - half),
                Optional.of(difference + half),
                Optional.of(0.01),
                Optional.of(0.01),
                Optional.of((Double) r[5] + half < 0.01),
                Optional.of((String) r[7]),
                Optional.of(List.of()),
                Optional.of((long) ((Double) r[4] * 250_000)),
                Optional.of((long) ((Double) r[4] * 1_000_000)),
                r[0].equals("parent") ? Optional.of(1.0) : Optional.of(0.9 + 0.01 * (Integer) r[3]),
                Optional.of(!r[0].equals("method") || !r[1].equals("uncurl")),
                Optional.of(!r[0].equals("method") || !r[1].equals("uncurl")),
                List.of(model + "+" + r[0] + r[1] + r[3]),
                Optional.of("c-" + model),
                task + "@0123456789ab first 200",
                position);
    }

    private static List<Threshold> thresholds(String model, String task) {
        var rows = new ArrayList<Threshold>();
        for (int experts : new int[] {8, 16}) {
            for (String method : List.of("uncurl", "frequency")) {
                boolean uncurl = method.equals("uncurl");
                rows.add(new Threshold(
                        model + "-" + experts + "e",
                        experts,
                        task,
                        "validation",
                        NONE,
                        "loss_per_token",
                        method,
                        Optional.of("frequency"),
                        Optional.of("uniform"),
                        Optional.of(""),
                        Optional.of(uncurl ? "map" : "mask"),
                        uncurl ? experts / 4.0 : 1,
                        Optional.of(uncurl ? experts / 2.0 : 2),
                        Optional.of(!uncurl),
                        experts / 2.0));
            }
        }
        return rows;
    }

    private static CellRow cell(String sweep, String model, String task, String state, Optional<String> error) {
        return new CellRow(
                sweep,
                "2026-11-26",
                1,
                "cell",
                "method",
                model + "-8e",
                "sha",
                8,
                task,
                task + "@run",
                "validation",
                Optional.of(task),
                Optional.of(task + "@run"),
                Optional.of("uncurl"),
                Optional.of("frequency"),
                Optional.of("uniform"),
                Optional.of(Map.of("max-cluster", "2")),
                Optional.of(1),
                Optional.of(1L),
                Optional.of("map"),
                NONE,
                Optional.empty(),
                state,
                1,
                Optional.of(75.0),
                error,
                NONE,
                NONE,
                NONE,
                Optional.of(true),
                Map.of(),
                "jobs/submit sweep --config sweep/demo --as-of 2026-11-26",
                TIME);
    }

    private static PlanRow plan(Group group, String task) {
        return new PlanRow(
                "0123456789abcdef",
                group.modelId(),
                "sha",
                task,
                "train",
                "uncurl",
                "frequency",
                "uniform",
                8,
                4,
                1,
                Map.of(),
                Map.of(),
                List.of(
                        new PlanRow.Layer(1, 8, 4, 12.5, Optional.of(0.31), 0.12),
                        new PlanRow.Layer(3, 8, 4, 9.5, Optional.empty(), 0.08)),
                TIME);
    }

    private static List<AssignmentRow> assignments() {
        var rows = new ArrayList<AssignmentRow>();
        for (int layer = 1; layer <= 3; layer += 2) {
            for (int expert = 0; expert < 8; expert++) {
                rows.add(new AssignmentRow(
                        "0123456789abcdef",
                        "m",
                        "sha",
                        "t",
                        "uncurl",
                        8,
                        4,
                        1,
                        layer,
                        expert,
                        expert % 4,
                        0.5,
                        expert < 4));
            }
        }
        return rows;
    }

    private static Calibrated calibrated(
            Group group, String task, String method, long sequences, long tokens, double jaccard) {
        return new Calibrated(
                group.modelId(), task, "train", method, 4, sequences, tokens, jaccard, jaccard, Optional.of(0.9));
    }
}

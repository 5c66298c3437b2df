package dev.uncurl.jobs.report;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cli.WarehouseOptions;
import dev.uncurl.jobs.report.SweepStudy.Calibrated;
import dev.uncurl.jobs.report.SweepStudy.Change;
import dev.uncurl.jobs.report.SweepStudy.ChosenPlan;
import dev.uncurl.jobs.report.SweepStudy.Group;
import dev.uncurl.jobs.report.SweepStudy.Smallest;
import dev.uncurl.jobs.report.SweepStudy.Threshold;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.AssignmentRow;
import dev.uncurl.jobs.warehouse.row.CellRow;
import dev.uncurl.jobs.warehouse.row.PlanRow;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/** Collects a {@link SweepStudy} from the tables and views. */
final class SweepReader {
    private static final String CALIBRATION =
            """
            SELECT model_id, task, split, method, experts_after AS experts, sequences, tokens, avg(jaccard) AS jaccard,
              min(jaccard) AS least_jaccard, avg(rank_correlation) AS rank_correlation
            FROM calibration
            WHERE model_id IN (SELECT model_id FROM uncurl.sweep.cells WHERE sweep = :sweep AND as_of = :date)
              AND task IN (SELECT plan_task FROM uncurl.sweep.cells WHERE sweep = :sweep AND as_of = :date)
            GROUP BY model_id, task, split, method, experts_after, sequences, tokens
            ORDER BY model_id, task, split, method, experts_after DESC, sequences""";

    private final Warehouse warehouse;
    private final String sweep;

    SweepReader(Warehouse warehouse, String sweep) {
        this.warehouse = warehouse;
        this.sweep = sweep;
    }

    /**
     * The cells of a date, in the order of the sweep.
     *
     * @param asOf empty for the newest date
     * @throws UserError (input) if there are none
     */
    List<CellRow> cells(Optional<String> asOf) {
        List<String> dates = dates();
        if (dates.isEmpty()) {
            List<String> known = warehouse.table(UncurlTable.CELLS).select("sweep").distinct().collectAsList().stream()
                    .map(row -> row.getString(0))
                    .sorted()
                    .toList();
            throw UserError.input(
                    "There is no sweep " + sweep + " in sweep.cells",
                    known.isEmpty()
                            ? "Run one: jobs/submit sweep --config sweep/demo."
                            : "Known sweeps: " + String.join(", ", known) + ".");
        }
        String date = asOf.orElse(dates.get(dates.size() - 1));
        if (!dates.contains(date)) {
            throw UserError.input(
                    "Sweep " + sweep + " was not run for " + date,
                    "Leave --as-of out for the newest date, or give one of " + String.join(", ", dates) + ".");
        }
        return Records.read(warehouse.rows(UncurlTable.CELLS, "sweep", sweep, "as_of", date), CellRow.class).stream()
                .sorted(Comparator.comparingInt(CellRow::position))
                .toList();
    }

    private List<String> dates() {
        return warehouse.rows(UncurlTable.CELLS, "sweep", sweep).select("as_of").distinct().collectAsList().stream()
                .map(row -> row.getString(0))
                .sorted()
                .toList();
    }

    /** @param folder of the warehouse, as the user names it */
    SweepStudy read(List<CellRow> cells, String folder) {
        String date = cells.get(0).asOf();
        List<SettingRow> settings = Records.read(view("cell_settings", date), SettingRow.class).stream()
                .sorted(Comparator.comparingInt(SettingRow::position).thenComparing(SettingRow::metric))
                .toList();
        Optional<String> previous =
                dates().stream().filter(one -> one.compareTo(date) < 0).reduce((one, other) -> other);
        var study = new SweepStudy(
                sweep,
                date,
                cells,
                settings,
                Records.read(view("smallest_not_worse", date), Smallest.class),
                thresholds(date),
                previous,
                previous.isEmpty() ? List.of() : changes(date),
                List.of(),
                calibration(date),
                Optional.of(folder).filter(name -> !name.equals(WarehouseOptions.DEFAULT)));
        return withPlans(study);
    }

    private Dataset<Row> view(String name, String date) {
        return warehouse.sql("SELECT * FROM " + name + " WHERE sweep = :sweep AND as_of = :date", parameters(date));
    }

    private Map<String, Object> parameters(String date) {
        return Map.of("sweep", sweep, "date", date);
    }

    private List<Threshold> thresholds(String date) {
        return Records.read(view("threshold_factor", date), Threshold.class).stream()
                .sorted(Comparator.comparing(Threshold::task)
                        .thenComparing(row -> row.recipe().orElse(""))
                        .thenComparing(Threshold::expertsBefore)
                        .thenComparing(Threshold::modelId)
                        .thenComparing(Threshold::name))
                .toList();
    }

    private List<Change> changes(String date) {
        return Records.read(view("sweep_changes", date), Change.class).stream()
                .sorted(Comparator.comparing(Change::modelId)
                        .thenComparing(Change::task)
                        .thenComparing(row -> row.recipe().orElse(""))
                        .thenComparing(Change::change)
                        .thenComparing(Change::metric, StoredComparison.metricOrder())
                        .thenComparing(row -> row.experts().orElse(0), Comparator.reverseOrder())
                        .thenComparing(Change::name))
                .toList();
    }

    private List<Calibrated> calibration(String date) {
        return Records.read(warehouse.sql(CALIBRATION, parameters(date)), Calibrated.class);
    }

    private SweepStudy withPlans(SweepStudy study) {
        Map<String, String> planOfResults = study.cells().stream()
                .filter(cell -> cell.planId().isPresent() && cell.resultsId().isPresent())
                .collect(Collectors.toMap(
                        cell -> cell.resultsId().get(), cell -> cell.planId().get(), (one, other) -> one));
        var plans = new ArrayList<ChosenPlan>();
        for (Group group : study.groups()) {
            Optional<List<String>> smallest = study.smallest(group).flatMap(Smallest::models);
            study.of(group, study.metric(group)).stream()
                    .filter(row -> row.is(SettingName.METHOD))
                    .filter(row -> smallest.isEmpty() || row.models().equals(smallest.get()))
                    .min(Comparator.comparingDouble(SettingRow::cost).thenComparingInt(SettingRow::position))
                    .ifPresent(row -> row.models().stream()
                            .map(planOfResults::get)
                            .filter(id -> id != null)
                            .findFirst()
                            .flatMap(this::plan)
                            .ifPresent(plan -> plans.add(new ChosenPlan(
                                    group, row, smallest.isPresent(), plan, assignments(plan.planId())))));
        }
        return new SweepStudy(
                study.sweep(),
                study.asOf(),
                study.cells(),
                study.settings(),
                study.smallest(),
                study.thresholds(),
                study.previous(),
                study.changes(),
                plans,
                study.calibration(),
                study.warehouse());
    }

    private Optional<PlanRow> plan(String id) {
        return Records.read(warehouse.rows(UncurlTable.PLANS, "plan_id", id), PlanRow.class).stream()
                .findFirst();
    }

    private List<AssignmentRow> assignments(String plan) {
        return Records.read(warehouse.rows(UncurlTable.ASSIGNMENTS, "plan_id", plan), AssignmentRow.class).stream()
                .sorted(Comparator.comparingInt(AssignmentRow::layer).thenComparingInt(AssignmentRow::expert))
                .toList();
    }
}

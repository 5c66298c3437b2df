package dev.uncurl.jobs.evaluate;

import dev.uncurl.config.Range;
import dev.uncurl.error.UserError;
import dev.uncurl.evaluation.Latency;
import dev.uncurl.jobs.output.TextTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.LatencyRow;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import picocli.CommandLine.Option;

/** Options of evaluate that time forward passes. */
final class LatencyOptions {
    private static final List<Integer> BATCHES = List.of(1, 8);
    private static final int WARMUP = 5;
    private static final int REPEATS = 20;

    /** Parts of the model that have a column; the others are in the last one. */
    private static final List<String> PARTS = List.of("attention", "router", "dispatch", "experts", "exchange", "head");

    @Option(
            names = "--latency",
            description = "Time forward passes of the models, in turn, on each executor. Needs no --task.")
    private boolean latency;

    @Option(
            names = "--latency-batch",
            paramLabel = "N",
            split = ",",
            description = "Sequences in a pass, with commas (default: 1,8).")
    private List<Integer> batches;

    @Option(
            names = "--latency-length",
            paramLabel = "N",
            split = ",",
            description = "Tokens of a sequence, with commas (default: the shortest context).")
    private List<Integer> lengths;

    @Option(
            names = "--latency-warmup",
            paramLabel = "N",
            description = "Passes of each model before the timed ones (default: 5).")
    private Integer warmup;

    @Option(names = "--latency-repeats", paramLabel = "N", description = "Timed passes of each model (default: 20).")
    private Integer repeats;

    @Option(names = "--latency-again", description = "Measure again what is in evaluation.latency already.")
    private boolean again;

    /** A setting with the usual repeats. */
    static Latency.Setting usual(int batch, int length) {
        return new Latency.Setting(batch, length, WARMUP, REPEATS);
    }

    boolean requested() {
        return latency;
    }

    /** @throws UserError (usage) for a number out of its range, and for options that would do nothing */
    void check() {
        if (!latency) {
            requireNone();
        }
        values(batches, List.of()).forEach(Range.LATENCY_BATCH_OPTION::check);
        values(lengths, List.of()).forEach(Range.LATENCY_LENGTH_OPTION::check);
        Range.LATENCY_WARMUP_OPTION.check(warmup());
        Range.LATENCY_REPEATS_OPTION.check(repeats());
    }

    private void requireNone() {
        var given = new LinkedHashMap<String, Object>();
        given.put("--latency-batch", batches);
        given.put("--latency-length", lengths);
        given.put("--latency-warmup", warmup);
        given.put("--latency-repeats", repeats);
        given.put("--latency-again", again ? true : null);
        given.forEach((option, value) -> {
            if (value != null) {
                throw UserError.usage(
                        option + " has no effect without --latency: nothing is timed",
                        "Add --latency, or leave it out.");
            }
        });
    }

    private static List<Integer> values(List<Integer> given, List<Integer> usual) {
        return given == null ? usual : given.stream().distinct().toList();
    }

    private int warmup() {
        return warmup == null ? WARMUP : warmup;
    }

    private int repeats() {
        return repeats == null ? REPEATS : repeats;
    }

    /**
     * Times the models, or finds their times in the table, and prints them; does nothing without --latency.
     *
     * @param expertParallel ranks that divide the experts of a model
     * @throws UserError (usage) if a length is over a model's context, or the models do not fit into memory together
     */
    void measure(Warehouse warehouse, List<String> modelIds, int expertParallel) {
        if (!latency) {
            return;
        }
        List<ScoredModel> models = modelIds.stream()
                .map(id -> ScoredModel.registered(warehouse, id))
                .toList();
        List<Latency.Setting> settings = settings(models);
        var run = new LatencyRun(warehouse, models, expertParallel);
        Map<Latency.Setting, List<LatencyRow>> stored = again ? Map.of() : run.stored(settings);
        print(stored, true);
        List<Latency.Setting> missing = settings.stream()
                .filter(setting -> !stored.containsKey(setting))
                .toList();
        if (!missing.isEmpty()) {
            print(run.measure(missing), false);
        }
    }

    private List<Latency.Setting> settings(List<ScoredModel> models) {
        int shortest = models.stream()
                .mapToInt(model -> model.config().sequenceLength())
                .min()
                .orElseThrow();
        var settings = new ArrayList<Latency.Setting>();
        for (int length : values(lengths, List.of(shortest))) {
            models.forEach(model -> requireContext(model, length));
            for (int batch : values(batches, BATCHES)) {
                settings.add(new Latency.Setting(batch, length, warmup(), repeats()));
            }
        }
        return settings;
    }

    private static void requireContext(ScoredModel model, int length) {
        int context = model.config().sequenceLength();
        if (length > context) {
            throw UserError.usage(
                    "--latency-length " + length + " is longer than the context of " + model.id() + ", " + context
                            + " tokens",
                    "Give at most " + context + ", or leave the model out.");
        }
    }

    /** Prints a table for each run in which the settings were measured. */
    private static void print(Map<Latency.Setting, List<LatencyRow>> measured, boolean reused) {
        var runs = new LinkedHashMap<String, List<LatencyRow>>();
        measured.values().forEach(rows -> runs.computeIfAbsent(title(rows.get(0), reused), title -> new ArrayList<>())
                .addAll(rows));
        runs.forEach((title, rows) -> {
            System.out.println(title);
            System.out.print(table(rows));
        });
    }

    private static String title(LatencyRow row, boolean reused) {
        int threads = row.threads().orElse(1);
        return String.format(
                Locale.ROOT,
                "Forward passes, models in turn, %d of each after %d to warm up; %d thread%s, %d process%s on %s (%s)%s;"
                        + " run %s of %s%s",
                row.repeats().orElse(0),
                row.warmup().orElse(0),
                threads,
                threads == 1 ? "" : "s",
                row.executors(),
                row.executors() == 1 ? "" : "es",
                row.host().orElse("an unknown host"),
                row.cpu().orElse("unknown processor"),
                row.expertParallel().orElse(1) == 1
                        ? ""
                        : ", " + row.expertParallel().orElseThrow() + " ranks divide the experts",
                row.runId().orElse("unknown"),
                row.measuredAt()
                        .map(at -> at.truncatedTo(ChronoUnit.SECONDS).toString())
                        .orElse("unknown"),
                reused ? ", reused" : "");
    }

    private static String table(List<LatencyRow> rows) {
        var header =
                new ArrayList<>(List.of("model_id", "experts", "batch", "length", "p50_ms", "p95_ms", "tokens_per_s"));
        List<String> parts = PARTS.stream()
                .filter(part -> rows.stream().anyMatch(row -> row.parts().getOrDefault(part, 0.0) > 0))
                .toList();
        header.addAll(parts);
        header.add("rest");
        return TextTable.of(header, rows.stream().map(row -> cells(row, parts)).toList());
    }

    /** @param parts the parts that have a column */
    private static Object[] cells(LatencyRow row, List<String> parts) {
        var rest = new TreeMap<>(row.parts());
        rest.keySet().removeAll(parts);
        var cells = new ArrayList<Object>(List.of(
                row.modelId(),
                row.experts(),
                row.batch(),
                row.sequenceLength(),
                row.p50Ms(),
                row.p95Ms(),
                Math.round(row.tokensPerSecond())));
        parts.forEach(part -> cells.add(row.parts().getOrDefault(part, 0.0)));
        cells.add(rest.values().stream().mapToDouble(Double::doubleValue).sum());
        return cells.toArray();
    }
}

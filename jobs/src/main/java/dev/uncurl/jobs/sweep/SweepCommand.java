package dev.uncurl.jobs.sweep;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cli.ConfigOptions;
import dev.uncurl.jobs.cli.Failures;
import dev.uncurl.jobs.cli.RecordedCommand;
import dev.uncurl.jobs.cli.WarehouseOptions;
import dev.uncurl.jobs.output.OutputFile;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.CellRow;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.LocalDate;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code jobs/submit sweep --config sweep/demo --as-of 2026-11-26}. */
@Command(
        name = "sweep",
        customSynopsis = "uncurl sweep --config=FILE [--as-of=DATE] [--dry-run | --status] [OPTION]...",
        description = {
            "Prunes models on tasks by many methods and numbers of experts: runs the cells whose results are missing.",
            "Killed or stopped, it goes on where it was when it is run again. Exit code 7: some cells failed, the others are done."
        },
        footer = {
            "",
            "  jobs/submit sweep --config sweep/demo --as-of 2026-11-26 --dry-run",
            "  jobs/submit sweep --config sweep/demo --as-of 2026-11-26",
            "  jobs/submit sweep --config sweep/demo --status"
        })
public final class SweepCommand implements Callable<Integer> {
    private static final int SOME_FAILED = 7;

    @Mixin
    private WarehouseOptions warehouseOptions;

    @Mixin
    private ConfigOptions configOptions;

    @Option(
            names = "--as-of",
            paramLabel = "DATE",
            description = "Date of the sweep, such as 2026-11-25 (default: today; with --status: the newest).")
    private String asOf;

    @Option(
            names = "--dry-run",
            description = "Check everything, print the cells, which results are there, time and bytes; run nothing.")
    private boolean dryRun;

    @Option(names = "--status", description = "Print how far the sweep is, from sweep.cells; run nothing.")
    private boolean status;

    @Option(
            names = "--notify-file",
            paramLabel = "FILE",
            description = "Write at the end what was run and what failed, as JSON.")
    private Path notifyFile;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        SweepConfig config = configOptions.bind(SweepConfig.class);
        LocalDate date = date();
        check();
        if (configOptions.onlyPrint()) {
            return 0;
        }
        OutputFile notify = notifyFile == null ? null : OutputFile.of("--notify-file", notifyFile);
        Warehouse warehouse = warehouseOptions.open();
        if (status) {
            printStatus(config.sweep(), new SweepTable(warehouse));
            return 0;
        }
        if (dryRun) {
            sweep(config, warehouse, date).dryRun();
            return 0;
        }
        return run(config, warehouse, date, notify);
    }

    private void check() {
        if (dryRun && status) {
            throw UserError.usage("--dry-run and --status print different things", "Leave one of them out.");
        }
        if (notifyFile != null && (dryRun || status)) {
            throw UserError.usage("--notify-file has no effect, since nothing is run", "Leave it out.");
        }
    }

    /** @throws UserError (usage) for a text that is no date */
    private LocalDate date() {
        try {
            return asOf == null ? LocalDate.now() : LocalDate.parse(asOf);
        } catch (DateTimeParseException e) {
            throw UserError.usage("--as-of " + asOf + " is no date", "Write it as 2026-11-25.", e);
        }
    }

    private Sweep sweep(SweepConfig config, Warehouse warehouse, LocalDate date) {
        return new Sweep(config, warehouse, warehouseOptions.folder(), date, RecordedCommand.of(spec));
    }

    private void printStatus(String sweep, SweepTable table) {
        String date = asOf != null
                ? asOf
                : table.newestDate(sweep)
                        .orElseThrow(() -> UserError.input(
                                "Sweep " + sweep + " was never run on this warehouse", "Run it without --status."));
        List<CellRow> rows = table.read(sweep, date);
        if (rows.isEmpty()) {
            throw UserError.input(
                    "Sweep " + sweep + " was not run for " + date,
                    "Leave --as-of out for the newest date, or run it without --status.");
        }
        System.out.print(SweepText.status(sweep, date, warehouseOptions.folder(), rows));
    }

    private int run(SweepConfig config, Warehouse warehouse, LocalDate date, OutputFile notify) {
        long start = System.nanoTime();
        try (var lock = warehouse.lock("sweep", config.sweep(), date.toString())) {
            Sweep sweep = sweep(config, warehouse, date);
            SweepRun.Outcome outcome = sweep.run(Clock.systemDefaultZone());
            List<CellRow> rows = sweep.rows(outcome);
            int maintained = retain(sweep);
            int code = outcome.count(CellState.FAILED) > 0 ? SOME_FAILED : maintained;
            write(notify, notification(config, date, outcome, rows, code, (System.nanoTime() - start) / 1e9));
            say(config, date, outcome, rows, (System.nanoTime() - start) / 1e9);
            return code;
        } catch (RuntimeException e) {
            write(notify, notification(config, date, e, (System.nanoTime() - start) / 1e9));
            throw e;
        }
    }

    /** A failure of the last step does not hide what was run. @return its exit code */
    private static int retain(Sweep sweep) {
        try {
            sweep.retain();
            return 0;
        } catch (RuntimeException e) {
            UserError error = Failures.userError(e);
            if (error != null && error.isHeld()) {
                System.out.println("Another run maintains the warehouse: nothing is deleted here");
                return 0;
            }
            if (error == null) {
                throw e;
            }
            System.err.println("uncurl sweep: the warehouse was not maintained: " + error.getMessage());
            return error.kind().exitCode();
        }
    }

    private void say(SweepConfig config, LocalDate date, SweepRun.Outcome outcome, List<CellRow> rows, double seconds) {
        System.out.printf(
                Locale.ROOT,
                "%n%,d cells run in %s; the results of %,d were there%n",
                outcome.ran(),
                SweepProgress.time(seconds),
                outcome.found());
        System.out.print(SweepText.status(config.sweep(), date.toString(), warehouseOptions.folder(), rows));
        if (outcome.stop() != SweepRun.Stop.NONE) {
            System.out.println("Stopped by " + stopped(outcome) + ": run the same command again to go on.");
        }
        System.out.flush();
        long failed = outcome.count(CellState.FAILED);
        if (failed > 0) {
            System.err.println("uncurl sweep: " + failed + " of " + rows.size() + " cells failed\n"
                    + "  Remove the causes, listed above and in sweep.cells, and run the same command again: it runs only what"
                    + " is missing.");
        }
    }

    private static String stopped(SweepRun.Outcome outcome) {
        return switch (outcome.stop()) {
            case NONE -> "nothing";
            case MAX_CELLS -> "max-cells";
            case UNTIL -> "until";
        };
    }

    private Notification notification(
            SweepConfig config,
            LocalDate date,
            SweepRun.Outcome outcome,
            List<CellRow> rows,
            int code,
            double seconds) {
        return new Notification(
                config.sweep(),
                date.toString(),
                code,
                rows.size(),
                outcome.count(CellState.DONE),
                outcome.ran(),
                outcome.count(CellState.FAILED),
                outcome.count(CellState.WAITING),
                seconds,
                stopped(outcome),
                Notification.failures(rows),
                null,
                RecordedCommand.of(spec),
                SweepText.query(config.sweep(), date.toString()),
                SweepText.report(config.sweep(), date.toString(), warehouseOptions.folder()));
    }

    private Notification notification(SweepConfig config, LocalDate date, RuntimeException e, double seconds) {
        UserError error = Failures.userError(e);
        return new Notification(
                config.sweep(),
                date.toString(),
                error == null ? 1 : error.kind().exitCode(),
                0,
                0,
                0,
                0,
                0,
                seconds,
                "error",
                List.of(),
                error == null ? Failures.firstLine(e) : error.getMessage(),
                RecordedCommand.of(spec),
                SweepText.query(config.sweep(), date.toString()),
                SweepText.report(config.sweep(), date.toString(), warehouseOptions.folder()));
    }

    private static void write(OutputFile file, Notification notification) {
        try {
            if (file != null) {
                file.write(notification.json());
            }
        } catch (IOException e) {
            throw new UncheckedIOException("writing " + file, e);
        }
    }
}

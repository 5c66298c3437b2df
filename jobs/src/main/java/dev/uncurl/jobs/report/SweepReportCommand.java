package dev.uncurl.jobs.report;

import dev.uncurl.config.Range;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cli.WarehouseOptions;
import dev.uncurl.jobs.output.OutputFile;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.CellRow;
import java.io.IOException;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code jobs/submit report sweep --sweep demo}. */
@Command(
        name = "sweep",
        description = {
            "Draws what a sweep found as one HTML file: the smallest plans that are not worse than the unpruned model, the"
                    + " frontier of size and quality, methods by K, controls, what changed since the date before, failures.",
            "Compares the scores of the sweep with the unpruned model and stores that in evaluation.comparisons, once."
        },
        footer = {"", "  jobs/submit report sweep --sweep demo --out sweep.html"})
final class SweepReportCommand implements Callable<Integer> {
    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec;

    @Mixin
    private WarehouseOptions warehouseOptions;

    @Option(names = "--sweep", paramLabel = "NAME", required = true, description = "Name of the sweep.")
    private String sweep;

    @Option(names = "--as-of", paramLabel = "DATE", description = "Date of the sweep (default: its newest).")
    private String asOf;

    @Option(
            names = "--margin",
            paramLabel = "X",
            defaultValue = "0.01",
            description = "How much worse a plan may be and count as not worse: a share, or nats per token"
                    + " (default: ${DEFAULT-VALUE}).")
    private double margin;

    @Option(
            names = "--out",
            paramLabel = "FILE",
            defaultValue = "sweep.html",
            description = "File to write; replaces an existing file (default: ${DEFAULT-VALUE}).")
    private Path out;

    @Override
    public Integer call() throws IOException {
        Subcommand.requireOwnOptions(spec);
        Range.MARGIN_OPTION.check(margin);
        Optional<String> date = date();
        OutputFile file = OutputFile.of("--out", out);
        Warehouse warehouse = warehouseOptions.open();
        warehouse.describe("report sweep " + sweep);
        var reader = new SweepReader(warehouse, sweep);
        List<CellRow> cells = reader.cells(date);
        new SweepComparisons(cells).store(warehouse, margin);
        SweepStudy study = reader.read(cells, warehouseOptions.folder());
        byte[] page = new SweepPage(study).toBytes();
        file.write(page);
        System.out.printf(Locale.ROOT, "Wrote %s (%,d bytes): open it in any browser%n", out, page.length);
        return 0;
    }

    /** @throws UserError (usage) for a text that is no date */
    private Optional<String> date() {
        try {
            return Optional.ofNullable(asOf).map(text -> LocalDate.parse(text).toString());
        } catch (DateTimeParseException e) {
            throw UserError.usage("--as-of " + asOf + " is no date", "Write it as 2026-11-25.", e);
        }
    }
}

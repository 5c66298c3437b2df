package dev.uncurl.jobs.report;

import dev.uncurl.corpus.Split;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cli.WarehouseOptions;
import dev.uncurl.jobs.output.OutputFile;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code jobs/submit report study --model demo-base --task flan}. */
@Command(
        name = "study",
        description = {
            "Draws what pruning a model costs as one HTML file: its training, differences from it with 95%% intervals, its"
                    + " routing, and lines to go on with.",
            "The differences are those that evaluate --against stored."
        },
        footer = {"", "  jobs/submit report study --model demo-base --task flan --out study.html"})
final class StudyReportCommand implements Callable<Integer> {
    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec;

    @Mixin
    private WarehouseOptions warehouseOptions;

    @Option(names = "--model", paramLabel = "ID", required = true, description = "The unpruned model.")
    private String modelId;

    @Option(
            names = "--task",
            paramLabel = "TASK",
            required = true,
            description = "Task or corpus that was compared on; repeat for more.")
    private List<String> tasks;

    @Option(
            names = "--split",
            defaultValue = "validation",
            description = "Split that was compared on, train or validation (default: ${DEFAULT-VALUE}).")
    private Split split;

    @Option(
            names = "--out",
            paramLabel = "FILE",
            defaultValue = "study.html",
            description = "File to write; replaces an existing file (default: ${DEFAULT-VALUE}).")
    private Path out;

    @Override
    public Integer call() throws IOException {
        Subcommand.requireOwnOptions(spec);
        if (new HashSet<>(tasks).size() < tasks.size()) {
            throw UserError.usage("--task names a task twice: " + String.join(", ", tasks), "Name each task once.");
        }
        OutputFile file = OutputFile.of("--out", out);
        Warehouse warehouse = warehouseOptions.open();
        warehouse.describe("report study of " + modelId);
        Study study = new StudyReader(warehouse, modelId, split.label()).read(tasks, warehouseOptions.folder());
        byte[] page = new StudyPage(study).toBytes();
        file.write(page);
        System.out.printf(Locale.ROOT, "Wrote %s (%,d bytes): open it in any browser%n", out, page.length);
        return 0;
    }
}

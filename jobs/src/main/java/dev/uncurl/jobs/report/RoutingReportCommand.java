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

/** {@code jobs/submit report routing --model demo-base --task superglue/boolq}. */
@Command(
        name = "routing",
        description = "Draws the routing of one task by a model, or of two tasks to compare, as one HTML file.",
        footer = {"", "  jobs/submit report routing --model demo-base --task superglue/boolq --out routing.html"})
final class RoutingReportCommand implements Callable<Integer> {
    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec;

    @Mixin
    private WarehouseOptions warehouseOptions;

    @Option(names = "--model", paramLabel = "ID", required = true, description = "Model whose logits were dumped.")
    private String modelId;

    @Option(
            names = "--task",
            paramLabel = "TASK",
            required = true,
            description = "Task, such as superglue/boolq; give a second one to compare.")
    private List<String> tasks;

    @Option(
            names = "--split",
            defaultValue = "train",
            description = "Split, train or validation (default: ${DEFAULT-VALUE}).")
    private Split split;

    @Option(
            names = "--out",
            paramLabel = "FILE",
            defaultValue = "routing.html",
            description = "File to write; replaces an existing file (default: ${DEFAULT-VALUE}).")
    private Path out;

    @Override
    public Integer call() throws IOException {
        checkOptions();
        OutputFile file = OutputFile.of("--out", out);
        Warehouse warehouse = warehouseOptions.open();
        warehouse.describe("report routing of " + modelId);
        List<TaskRouting> routings = new RoutingReader(warehouse, modelId, split.label()).read(tasks);
        byte[] page = new RoutingPage(modelId, split.label(), routings).toBytes();
        file.write(page);
        System.out.printf(Locale.ROOT, "Wrote %s (%,d bytes): open it in any browser%n", out, page.length);
        return 0;
    }

    private void checkOptions() {
        Subcommand.requireOwnOptions(spec);
        if (tasks.size() > 2 || new HashSet<>(tasks).size() < tasks.size()) {
            throw UserError.usage(
                    "report routing cannot compare the tasks " + String.join(", ", tasks),
                    "Give --task once, or twice with different tasks.");
        }
    }
}

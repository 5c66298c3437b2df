package dev.uncurl.jobs;

import dev.uncurl.config.Settings;
import dev.uncurl.jobs.cli.WarehouseOptions;
import dev.uncurl.jobs.output.StandardOutput;
import dev.uncurl.jobs.output.TextTable;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.ToIntFunction;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code jobs/submit demo}: runs the commands of conf/demo.conf, one after another. */
@Command(
        name = "demo",
        description = "Takes the text in test-data through every stage: runs the commands of conf/demo.conf in turn.",
        footer = {"", "  jobs/submit demo"})
final class DemoCommand implements Callable<Integer> {
    private final ToIntFunction<String[]> commandLine;

    @Option(names = "--config", defaultValue = "demo", description = "HOCON file (default: conf/demo.conf).")
    private String file;

    @Mixin
    private WarehouseOptions warehouseOptions;

    /** @param commandLine runs a command, given its arguments, and returns its exit code */
    DemoCommand(ToIntFunction<String[]> commandLine) {
        this.commandLine = commandLine;
    }

    @Override
    public Integer call() {
        String warehouse = warehouseOptions.folder();
        DemoConfig config = Settings.load(file, List.of()).bind(DemoConfig.class);
        var times = new ArrayList<Object[]>();
        double total = 0;
        for (int step = 0; step < config.steps().size(); step++) {
            String line = config.steps().get(step);
            System.out.printf(
                    Locale.ROOT, "%n[%d/%d] %s%n", step + 1, config.steps().size(), line);
            System.out.flush();
            var arguments = new ArrayList<>(List.of(line.strip().split("\\s+")));
            arguments.addAll(List.of("--warehouse", warehouse));
            long start = System.nanoTime();
            int code = commandLine.applyAsInt(arguments.toArray(String[]::new));
            if (code == StandardOutput.READER_GONE) {
                return code;
            }
            if (code != 0) {
                System.err.println("demo: step " + (step + 1) + " failed; finished steps are kept. Remove the cause and"
                        + " run the demo again: it continues with this step.");
                return code;
            }
            double seconds = (System.nanoTime() - start) / 1e9;
            total += seconds;
            times.add(new Object[] {step + 1, line, String.format(Locale.ROOT, "%.1f", seconds)});
        }
        times.add(new Object[] {null, "all", String.format(Locale.ROOT, "%.1f", total)});
        System.out.println();
        System.out.print(TextTable.of(List.of("step", "command", "seconds"), times));
        System.out.println("\nGo on with:");
        String option = warehouse.equals(WarehouseOptions.DEFAULT) ? "" : "--warehouse " + warehouse + " ";
        config.queries().forEach(query -> System.out.println("  jobs/submit sql " + option + "\"" + query + "\""));
        return 0;
    }
}

package dev.uncurl.jobs;

import dev.uncurl.config.Settings;
import dev.uncurl.jobs.cli.WarehouseOptions;
import dev.uncurl.jobs.output.StandardOutput;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.ToIntFunction;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code jobs/submit demo}: runs the commands of conf/demo.conf, one after another. */
@Command(
        name = "demo",
        description = {
            "Takes the text in test-data through every stage: runs the commands of conf/demo.conf in turn.",
            "Prints a line for each, and what its reports say; what else they print is in demo.log in the warehouse."
        },
        footer = {"", "  jobs/submit demo"})
final class DemoCommand implements Callable<Integer> {
    private final ToIntFunction<String[]> commandLine;

    @Option(names = "--config", defaultValue = "demo", description = "HOCON file (default: conf/demo.conf).")
    private String file;

    @Option(names = "--verbose", description = "Print everything that the commands print, and write no demo.log.")
    private boolean verbose;

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
        var log = verbose ? DemoLog.none(warehouse) : DemoLog.in(warehouse);
        List<String> steps = config.steps();
        long start = System.nanoTime();
        var longest = new Step("", 0);
        for (int i = 0; i < steps.size(); i++) {
            String heading = String.format(Locale.ROOT, "[%d/%d] %s", i + 1, steps.size(), log.placed(steps.get(i)));
            System.out.printf(Locale.ROOT, "%s%s%n", heading, i == 0 ? "" : "  (after " + seconds(start) + ")");
            System.out.flush();
            long began = System.nanoTime();
            int code = run(steps.get(i), warehouse, heading, log);
            if (code == StandardOutput.READER_GONE) {
                return code;
            }
            if (code != 0) {
                System.err.println("demo: step " + (i + 1) + " failed; finished steps are kept. Remove the cause and"
                        + " run the demo again: it continues with this step.");
                return code;
            }
            double took = (System.nanoTime() - began) / 1e9;
            longest = took > longest.seconds ? new Step(heading, took) : longest;
        }
        System.out.printf(
                Locale.ROOT,
                "%nDone in %s; %.0f s of it: %s%n%s",
                seconds(start),
                longest.seconds,
                longest.heading,
                log.file()
                        .map(path -> "What the commands printed: " + path + "\n")
                        .orElse(""));
        goOn(page(steps).map(log::placed), config.queries(), warehouse);
        return 0;
    }

    private record Step(String heading, double seconds) {}

    private static String seconds(long start) {
        return String.format(Locale.ROOT, "%.0f s", (System.nanoTime() - start) / 1e9);
    }

    private int run(String line, String warehouse, String heading, DemoLog log) {
        var arguments = new ArrayList<>(
                Stream.of(line.strip().split("\\s+")).map(log::placed).toList());
        arguments.addAll(List.of("--warehouse", warehouse));
        boolean report = arguments.get(0).equals("report"); // made for people to read
        PrintStream screen = System.out;
        try (PrintStream out = log.open(heading)) {
            if (out != null && !report) {
                System.setOut(out);
            }
            return commandLine.applyAsInt(arguments.toArray(String[]::new));
        } finally {
            System.setOut(screen);
        }
    }

    /** What to ask next, and in the last line what to open. */
    private static void goOn(Optional<String> page, List<String> queries, String warehouse) {
        if (!queries.isEmpty()) {
            System.out.println("\nAsk the tables:");
        }
        String option = warehouse.equals(WarehouseOptions.DEFAULT) ? "" : "--warehouse " + warehouse + " ";
        queries.forEach(query -> System.out.println("  jobs/submit sql " + option + "\"" + query + "\""));
        page.ifPresent(path -> System.out.println(
                "\nOpen " + path + " in a browser: what was trained, what pruning" + " costs, and what to try next."));
    }

    /** The file of the last report that has one. */
    private static Optional<String> page(List<String> steps) {
        return steps.stream()
                .filter(step -> step.startsWith("report ") && step.contains(" --out "))
                .map(step -> step.split(" --out ")[1].split(" ")[0])
                .reduce((one, other) -> other);
    }
}

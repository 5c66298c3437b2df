package dev.uncurl.jobs.cli;

import dev.uncurl.config.Settings;
import java.util.List;
import picocli.CommandLine.Option;

/** The configuration of a command. */
public final class ConfigOptions {
    @Option(
            names = "--config",
            paramLabel = "FILE",
            required = true,
            description = "HOCON file, or the name of one under conf/ without its ending.")
    private String file;

    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description = "A setting that wins over the file; repeat for more.")
    private List<String> overrides = List.of();

    @Option(names = "--print-config", description = "Print each value with its origin, and stop.")
    private boolean print;

    /** Binds the configuration; with {@code --print-config} also prints it. */
    public <T> T bind(Class<T> type) {
        Settings settings = Settings.load(file, overrides);
        T bound = settings.bind(type);
        if (print) {
            System.out.println(settings.describe());
        }
        return bound;
    }

    /** The keys that were set on the command line. */
    public List<String> keysSet() {
        return overrides.stream()
                .map(override -> override.split("=", 2)[0].strip())
                .toList();
    }

    public boolean onlyPrint() {
        return print;
    }
}

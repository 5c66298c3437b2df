package dev.uncurl.jobs.cli;

import dev.uncurl.config.Settings;
import java.util.List;
import picocli.CommandLine.Option;

/** Options that name the configuration of a command. */
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
            description = "Setting that overrides the file; can be repeated.")
    private List<String> overrides = List.of();

    @Option(names = "--print-config", description = "Print each value with its origin, then exit.")
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

    /** Keys of the settings on the command line. */
    public List<String> keysSet() {
        return overrides.stream()
                .map(override -> override.split("=", 2)[0].strip())
                .toList();
    }

    public boolean onlyPrint() {
        return print;
    }
}

package dev.uncurl.jobs;

import dev.uncurl.jobs.output.StandardOutput;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/**
 * Where the demo puts what its commands print: demo.log in the warehouse, or in the current folder if the warehouse is in
 * another file system.
 *
 * @param folder local folder for files of the demo
 * @param file the log; empty if there is none
 */
record DemoLog(String folder, Optional<Path> file) {
    /** No log: commands print to the screen. */
    static DemoLog none(String warehouse) {
        return new DemoLog(local(warehouse), Optional.empty());
    }

    /** A log beside the tables; none if the folder cannot be made, which the first command reports. */
    static DemoLog in(String warehouse) {
        String folder = local(warehouse);
        try {
            Files.createDirectories(Path.of(folder));
            Path file = Path.of(folder, "demo.log");
            Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND)
                    .close();
            return new DemoLog(folder, Optional.of(file));
        } catch (IOException e) {
            return new DemoLog(folder, Optional.empty());
        }
    }

    /** Replaces {@value DemoConfig#FOLDER} in a step, or in one word of it, by the folder. */
    String placed(String step) {
        return step.replace(DemoConfig.FOLDER, folder);
    }

    private static String local(String warehouse) {
        try {
            var uri = new org.apache.hadoop.fs.Path(warehouse).toUri();
            return uri.getScheme() == null || uri.getScheme().equals("file") ? uri.getPath() : ".";
        } catch (IllegalArgumentException e) { // no warehouse can have this name: the first command says so
            return ".";
        }
    }

    /** The log with a heading added to it; null if there is none. */
    PrintStream open(String heading) {
        if (file.isEmpty()) {
            return null;
        }
        try {
            var out = StandardOutput.to(
                    Files.newOutputStream(file.get(), StandardOpenOption.CREATE, StandardOpenOption.APPEND));
            out.println("\n" + heading);
            return out;
        } catch (IOException e) {
            return null; // the folder went away: show what is printed
        }
    }
}

package dev.uncurl.jobs;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Runs shell commands of the documentation in a folder of their own, on the packaged jar. */
final class Submit {
    private final Path folder;

    /** @param folder gets links, so that commands can be run as they stand in the README */
    Submit(Path folder) throws IOException {
        this.folder = folder;
        for (String name : List.of("jobs", "conf", "schemas")) {
            Files.createSymbolicLink(folder.resolve(name), Path.of("..", name).toRealPath());
        }
    }

    record Outcome(int code, String out, String err) {}

    Outcome run(String command, Map<String, String> environment) throws IOException, InterruptedException {
        Path out = Files.createTempFile(folder, "out", ".txt");
        Path err = Files.createTempFile(folder, "err", ".txt");
        Process process = start(command, environment, out, err);
        if (!process.waitFor(20, TimeUnit.MINUTES)) {
            process.destroyForcibly();
            throw new AssertionError(command + " did not end within 20 minutes");
        }
        return new Outcome(
                process.exitValue(),
                Files.readString(out, StandardCharsets.UTF_8),
                Files.readString(err, StandardCharsets.UTF_8));
    }

    /** Starts a command. If it is one program, the process is that program. */
    Process start(String command, Map<String, String> environment, Path out, Path err) throws IOException {
        var builder = new ProcessBuilder("bash", "-c", command)
                .directory(folder.toFile())
                .redirectOutput(out.toFile())
                .redirectError(err.toFile());
        builder.environment().putAll(environment);
        return builder.start();
    }
}

package dev.uncurl.machine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** NVIDIA GPUs, by the files of their driver. */
final class Gpus {
    private static final Path DRIVER = Path.of("/proc/driver/nvidia/gpus");

    private Gpus() {}

    static List<String> visible() {
        return under(DRIVER);
    }

    /** @param folder one folder for each GPU, whose file "information" has a line "Model:" */
    static List<String> under(Path folder) {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> gpus = Files.list(folder)) {
            return gpus.sorted().map(Gpus::model).toList();
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + folder, e);
        }
    }

    private static String model(Path gpu) {
        try (Stream<String> lines = Files.lines(gpu.resolve("information"))) {
            return lines.filter(line -> line.startsWith("Model:"))
                    .map(line -> line.substring("Model:".length()).strip())
                    .findFirst()
                    .orElse("unknown GPU");
        } catch (IOException e) {
            throw new UncheckedIOException("reading about the GPU in " + gpu, e);
        }
    }
}

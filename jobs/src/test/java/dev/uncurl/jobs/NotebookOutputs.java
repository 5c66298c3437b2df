package dev.uncurl.jobs;

import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Runs the notebooks on a warehouse and stores what their cells show, by name only:
 *
 * <pre>mvn -pl lib,jobs test -Dtest=NotebookOutputs -Dsurefire.failIfNoSpecifiedTests=false -Dnotebooks.warehouse=$PWD/warehouse</pre>
 */
public class NotebookOutputs {
    @Test
    void storeWhatTheCellsShow() throws IOException {
        Warehouse warehouse = new Cli(Path.of(System.getProperty("notebooks.warehouse"))).open();
        for (Path file : files()) {
            new Notebook(file).store(warehouse.spark(), file);
        }
    }

    public static List<Path> files() throws IOException {
        try (var files = Files.list(Path.of("..", "notebooks"))) {
            return files.filter(file -> file.toString().endsWith(".ipynb"))
                    .sorted()
                    .toList();
        }
    }
}

package dev.uncurl.jobs.warehouse;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.jobs.Cli;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("slow")
class LeftoversTest {
    private static final String RANDOM = "6c84fb90-12c4-11e1-840d-7b25c5ee775a";
    private static final String OTHER = "7d84fb90-12c4-11e1-840d-7b25c5ee775a";

    @Test
    void onlyHiddenFoldersOfTheNameAreRemoved(@TempDir Path folder) throws IOException {
        Warehouse warehouse = new Cli(folder).open();
        Path models = folder.resolve("models");
        var parent = new org.apache.hadoop.fs.Path(models.toUri());
        String removed = ".a.0d5e6a5c-12c4-11e1-840d-7b25c5ee775a.tmp";
        List<String> others = List.of("a", ".a.tmp", ".a.b." + RANDOM + ".tmp", ".b." + RANDOM + ".tmp", "b." + RANDOM);
        for (String name : others) {
            Files.createDirectories(models.resolve(name));
        }
        for (String name : List.of(removed, ".a." + RANDOM + ".tmp")) {
            Files.createFile(Files.createDirectories(models.resolve(name)).resolve("shard"));
        }
        new Leftovers(warehouse).removeUnfinished(parent, Pattern.compile(Pattern.quote("a")));
        assertThat(names(models)).containsExactlyInAnyOrderElementsOf(others);
    }

    /** Those of an object store's attempts, too. */
    @Test
    void foldersThatWereBegunAreRemovedAndFinishedOrDamagedOnesAreNot(@TempDir Path folder) throws IOException {
        Warehouse warehouse = new Cli(folder).open();
        Path models = folder.resolve("models");
        List<String> stay = List.of("a", "a." + OTHER, "b." + RANDOM, "other");
        for (String name : List.of("a", "a." + OTHER, "b." + RANDOM, "other", "a." + RANDOM)) {
            Files.createFile(Files.createDirectories(models.resolve(name)).resolve("shard"));
        }
        Files.createFile(models.resolve("a." + OTHER).resolve("manifest.json"));
        Files.createFile(models.resolve("other").resolve("unfinished"));
        var parent = new org.apache.hadoop.fs.Path(models.toUri());
        new Leftovers(warehouse).removeUnfinished(parent, Pattern.compile("a"));
        assertThat(names(models)).containsExactlyInAnyOrderElementsOf(stay);
        Files.createFile(models.resolve("a/unfinished"));
        new Leftovers(warehouse).removeUnfinished(parent, Pattern.compile("a"));
        assertThat(names(models)).containsExactlyInAnyOrder("a." + OTHER, "b." + RANDOM, "other");
    }

    private static Set<String> names(Path folder) throws IOException {
        try (var left = Files.list(folder)) {
            return left.map(path -> path.getFileName().toString()).collect(Collectors.toSet());
        }
    }

    @Test
    void aFolderThatIsNotThereHasNoLeftovers(@TempDir Path folder) throws IOException {
        Warehouse warehouse = new Cli(folder).open();
        new Leftovers(warehouse)
                .removeUnfinished(
                        new org.apache.hadoop.fs.Path(
                                folder.resolve("checkpoints/none").toUri()),
                        Pattern.compile(".*"));
        assertThat(folder.resolve("checkpoints")).doesNotExist();
    }
}

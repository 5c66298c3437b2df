package dev.uncurl.jobs.warehouse;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.jobs.Cli;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("slow")
class LeftoversTest {
    private static final String RANDOM = "6c84fb90-12c4-11e1-840d-7b25c5ee775a";

    @Test
    void onlyHiddenFoldersOfTheNameAreRemoved(@TempDir Path folder) throws IOException {
        Warehouse warehouse = new Cli(folder).open();
        Path models = folder.resolve("models");
        var parent = new org.apache.hadoop.fs.Path(models.toUri());
        String removed =
                Leftovers.hidden(new org.apache.hadoop.fs.Path(parent, "a")).getName();
        List<String> others = List.of("a", ".a.tmp", ".a.b." + RANDOM + ".tmp", ".b." + RANDOM + ".tmp", "a." + RANDOM);
        for (String name : others) {
            Files.createDirectories(models.resolve(name));
        }
        for (String name : List.of(removed, ".a." + RANDOM + ".tmp")) {
            Files.createFile(Files.createDirectories(models.resolve(name)).resolve("shard"));
        }
        new Leftovers(warehouse).removeHidden(parent, Pattern.compile(Pattern.quote("a")));
        try (var left = Files.list(models)) {
            assertThat(left.map(path -> path.getFileName().toString()).collect(Collectors.toSet()))
                    .containsExactlyInAnyOrderElementsOf(others);
        }
    }

    @Test
    void aFolderThatIsNotThereHasNoLeftovers(@TempDir Path folder) throws IOException {
        Warehouse warehouse = new Cli(folder).open();
        new Leftovers(warehouse)
                .removeHidden(
                        new org.apache.hadoop.fs.Path(
                                folder.resolve("checkpoints/none").toUri()),
                        Pattern.compile(".*"));
        assertThat(folder.resolve("checkpoints")).doesNotExist();
    }
}

package dev.uncurl.corpus.format;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class TestDataTest {
    @Test
    void provenanceNamesEveryFileWithItsSizeAndLicence() throws IOException {
        var folder = Path.of(Corpora.DATA);
        var listed = new TreeMap<String, Long>();
        for (String line : Files.readAllLines(folder.resolve("PROVENANCE.md"))) {
            String[] cells = line.split(" \\| |^\\| | \\|$");
            if (cells.length == 7 && cells[3].matches("[\\d,]+")) {
                listed.put(cells[1], Long.parseLong(cells[3].replace(",", "")));
                assertThat(cells[5]).as("licence of " + cells[1]).isNotBlank();
            }
        }
        var there = new TreeMap<String, Long>();
        try (var files = Files.walk(folder)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                there.put(folder.relativize(file).toString(), Files.size(file));
            }
        }
        there.remove("PROVENANCE.md");
        assertThat(listed).isEqualTo(there);
        assertThat(there.values().stream().mapToLong(Long::longValue).sum()).isLessThan(12_000_000);
    }
}

package dev.uncurl.jobs.tokenize;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StagingTest {
    @TempDir
    private Path folder;

    private static UnitReport report(int unit) {
        return new UnitReport(
                unit,
                "unit-" + unit + ".rows",
                3,
                1,
                1,
                Map.of(),
                Map.of(),
                0,
                Map.of(),
                0,
                0,
                new long[UnitReport.LENGTHS],
                Map.of(),
                List.of(),
                Map.of(),
                Map.of(),
                null);
    }

    /** With Hadoop's sums of the files and without them. */
    @Test
    void whatIsDamagedInAnUnfinishedRunDoesNotCountAndTheRestDoes() throws IOException {
        for (boolean sums : new boolean[] {true, false}) {
            Path staged = folder.resolve("sums-" + sums);
            var staging = new Staging(staged.toString(), new Configuration());
            assertThat(staging.inputs()).isNull();
            staging.begin(Map.of("seed", "1"));
            for (int unit = 0; unit < 3; unit++) {
                Files.writeString(staged.resolve("unit-" + unit + ".rows"), "row");
                staging.finish(report(unit));
            }
            assertThat(staging.inputs()).containsExactly(Map.entry("seed", "1"));
            assertThat(staging.finished()).containsOnlyKeys(0, 1, 2);

            for (String name : List.of("run-2.json", "unit-000001.json")) {
                Path file = staged.resolve(name);
                byte[] content = Files.readAllBytes(file);
                content[0] ^= 1;
                Files.write(file, content);
                if (!sums) {
                    Files.delete(staged.resolve("." + name + ".crc"));
                }
            }
            Files.writeString(staged.resolve("unit-2.rows"), "ro");
            assertThat(staging.inputs()).isEmpty();
            assertThat(staging.finished()).containsOnlyKeys(0);
        }
    }
}

package dev.uncurl.jobs.tokenize;

import static dev.uncurl.jobs.tokenize.TokenizeFixture.config;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.corpus;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.data;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.run;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.tokenize;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.warehouse;
import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("slow")
class EstimateTest {
    private static final String TEXT = corpus("text", "cc100", data("cc100/fiction.txt"), data("cc100/speeches.txt"));

    @TempDir
    private Path folder;

    @Test
    void theEstimateIsNearWhatTheRunGivesAndWritesNothing() {
        Warehouse warehouse = warehouse(folder.resolve("w"));
        var config = config(
                folder,
                TEXT
                        + corpus("flan", "flan", data("flan/cot_creak.jsonl"))
                        + corpus("mc4", "mc4", data("mc4/*.json.gz")));
        var estimates = new Tokenization(warehouse, config, 1, 2, "").estimate();
        assertThat(warehouse.table(UncurlTable.RUNS).count()).isZero();
        assertThat(folder.resolve("w/staging")).doesNotExist();
        tokenize(warehouse, config);
        for (Estimate.Expected expected : estimates) {
            Row run = run(warehouse, expected.corpus());
            assertThat((double) expected.tokens())
                    .isBetween(0.8 * run.<Long>getAs("tokens"), 1.25 * run.<Long>getAs("tokens"));
            assertThat((double) expected.documents())
                    .isBetween(0.6 * run.<Long>getAs("documents_in"), 1.6 * run.<Long>getAs("documents_in"));
        }
    }

    @Test
    void ofFilesBeyondTheSampleThePartThatWasReadStandsForTheRest() throws IOException {
        byte[] speeches = Files.readAllBytes(Path.of(data("cc100/speeches.txt")));
        int copies = (12 << 20) / speeches.length;
        Path plain = folder.resolve("large.txt");
        Path zipped = folder.resolve("large.txt.gz");
        try (var out = Files.newOutputStream(plain);
                var gzip = new GZIPOutputStream(Files.newOutputStream(zipped))) {
            for (int i = 0; i < copies; i++) {
                out.write(speeches);
                out.write('\n');
                gzip.write(speeches);
                gzip.write('\n');
            }
        }
        Warehouse warehouse = warehouse(folder.resolve("w"));
        var config = config(
                folder,
                corpus("once", "cc100", data("cc100/speeches.txt"))
                        + corpus("plain", "cc100", plain.toString())
                        + corpus("gz", "cc100", zipped.toString()));
        var estimates = new Tokenization(warehouse, config, 1, 2, "").estimate();
        double once = estimates.get(0).tokens();
        for (Estimate.Expected expected : estimates.subList(1, 3)) {
            assertThat(expected.sampled()).isLessThan(0.5);
            assertThat((double) expected.tokens()).isBetween(0.9 * copies * once, 1.1 * copies * once);
        }
    }
}

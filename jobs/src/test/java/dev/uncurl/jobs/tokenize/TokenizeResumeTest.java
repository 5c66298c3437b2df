package dev.uncurl.jobs.tokenize;

import static dev.uncurl.jobs.tokenize.TokenizeFixture.config;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.contentHash;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.corpus;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.data;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.tokenize;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.warehouse;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("slow")
public class TokenizeResumeTest {
    /** The local file system under another scheme, on which files can be made to fail and reads are counted. */
    public static final class FailingFileSystem extends RawLocalFileSystem {
        static volatile String failing = "";
        static final List<String> OPENED = new java.util.concurrent.CopyOnWriteArrayList<>();

        @Override
        public java.net.URI getUri() {
            return java.net.URI.create("failing:///");
        }

        @Override
        public String getScheme() {
            return "failing";
        }

        @Override
        public FSDataInputStream open(org.apache.hadoop.fs.Path file, int size) throws IOException {
            OPENED.add(file.getName());
            // the first opening is for the hash of the inputs, the second for a look at the beginning
            if (file.getName().equals(failing) && Collections.frequency(OPENED, failing) > 2) {
                throw new IOException("the disk is gone");
            }
            return super.open(file, size);
        }
    }

    @TempDir
    private Path folder;

    @Test
    void aRunThatDiedRedoesOnlyWhatWasUnfinishedAndEndsWithTheSameRows() throws IOException {
        Configuration hadoop = TokenizeFixture.spark().sparkContext().hadoopConfiguration();
        hadoop.set("fs.failing.impl", FailingFileSystem.class.getName());
        String corpora = corpus("text", "cc100", "failing://" + data("cc100/*.txt"));
        for (String tail : List.of("pad", "carry")) {
            Warehouse whole = warehouse(folder.resolve("whole-" + tail));
            tokenize(whole, config(folder, corpora, "tail=" + tail));

            Warehouse warehouse = warehouse(folder.resolve("killed-" + tail));
            FailingFileSystem.OPENED.clear();
            FailingFileSystem.failing = "speeches.txt";
            // the large files come first; one partition, so that they are finished when the small one fails
            assertThatThrownBy(
                    () -> tokenize(warehouse, config(folder, corpora, "tail=" + tail, "block-bytes=1000000"), 1));
            assertThat(warehouse.table(UncurlTable.SEQUENCES).count()).isZero();
            List<Path> staged = reports(folder.resolve("killed-" + tail));
            assertThat(staged).isNotEmpty();

            FailingFileSystem.failing = "";
            FailingFileSystem.OPENED.clear();
            tokenize(warehouse, config(folder, corpora, "tail=" + tail, "block-bytes=1000000"));
            var opened = List.copyOf(FailingFileSystem.OPENED);
            assertThat(opened).filteredOn("speeches.txt"::equals).hasSize(3);
            assertThat(opened)
                    .filteredOn("nonfiction.txt"::equals)
                    .as("two blocks hashed, and a look at the beginning")
                    .hasSize(3);
            Warehouse again = warehouse(folder.resolve("again-" + tail));
            tokenize(again, config(folder, corpora, "tail=" + tail, "block-bytes=1000000"));
            assertThat(contentHash(warehouse, UncurlTable.SEQUENCES))
                    .isEqualTo(contentHash(again, UncurlTable.SEQUENCES));
            assertThat(folder.resolve("killed-" + tail + "/staging/text")).doesNotExist();
        }
    }

    private static List<Path> reports(Path warehouse) throws IOException {
        try (Stream<Path> files = Files.list(warehouse.resolve("staging/text"))) {
            return files.filter(file -> file.getFileName().toString().matches("unit-.*json"))
                    .toList();
        }
    }
}

package dev.uncurl.corpus;

import static dev.uncurl.corpus.Corpora.DATA;
import static dev.uncurl.corpus.Corpora.HADOOP;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.Refusal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CorpusFilesTest {
    @Test
    void globsFoldersAndNamesGiveEachFileOnceInOrder() {
        var files = CorpusFiles.expand(
                HADOOP, List.of(DATA + "cc100/*.txt.xz", DATA + "cc100", DATA + "cc100/{fiction,speeches}.txt"));
        assertThat(files.stream().map(file -> file.path().replaceAll(".*/", "")))
                .containsExactly("fiction.txt", "nonfiction.txt", "religion_kjv.txt.xz", "speeches.txt");
        assertThat(files).allMatch(file -> file.bytes() > 100_000);
    }

    @Test
    void missingPathsAreRefusedByName() {
        for (String pattern : List.of(DATA + "nothing.txt", DATA + "nowhere/*.txt", DATA + "cc100/*.nothing")) {
            assertThatThrownBy(() -> CorpusFiles.expand(HADOOP, List.of(DATA + "cc100", pattern)))
                    .isInstanceOfSatisfying(
                            Refusal.class, r -> assertThat(r.kind()).isEqualTo(Refusal.Kind.INPUT))
                    .hasMessageContaining(pattern)
                    .hasMessageContaining("Check the path");
        }
        assertThatThrownBy(() -> CorpusFiles.open(HADOOP, DATA + "nothing.txt")).isInstanceOf(Refusal.class);
    }

    @Test
    void foldersLeaveOutHiddenFilesAndRefuseWhatIsNotRead(@TempDir Path folder) throws IOException {
        assertThatThrownBy(() -> CorpusFiles.expand(HADOOP, List.of(folder.toString())))
                .isInstanceOf(Refusal.class)
                .hasMessageContaining("without files");
        Files.writeString(folder.resolve("_SUCCESS"), "");
        Files.writeString(folder.resolve("a.txt"), "text");
        assertThat(CorpusFiles.expand(HADOOP, List.of(folder.toString()))).hasSize(1);
        Files.writeString(folder.resolve("b.bz2"), "text");
        assertThatThrownBy(() -> CorpusFiles.expand(HADOOP, List.of(folder.toString())))
                .isInstanceOf(Refusal.class)
                .hasMessageContaining("b.bz2");
    }
}

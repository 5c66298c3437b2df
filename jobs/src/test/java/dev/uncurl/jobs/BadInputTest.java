package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.jobs.tokenize.TokenizeFixture;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a user sees who asks for the impossible: the thing, its place, the remedy, the exit code, and nothing written. */
@Tag("slow")
class BadInputTest {
    @TempDir
    private Path folder;

    private Cli cli;

    @BeforeEach
    void open() {
        cli = new Cli(folder.resolve("warehouse"));
    }

    private Cli.Outcome tokenize(String format, String path, String... more) throws IOException {
        Path file = Files.writeString(
                folder.resolve("tokenize.conf"),
                """
                include classpath("conf/tokenize/defaults.conf")
                vocabulary = 300, sequence-length = 32, validation-fraction = 0.1, max-rejected = 0.01, seed = 1
                corpora = [{ name = corpus, format = %s, paths = ["%s"], validation-paths = [] }]
                """
                        .formatted(format, path));
        String[] arguments = {"tokenize", "--config", file.toString()};
        String[] all = java.util.stream.Stream.concat(java.util.Arrays.stream(arguments), java.util.Arrays.stream(more))
                .toArray(String[]::new);
        return cli.run(all);
    }

    private void assertNothingWritten() {
        Warehouse warehouse = cli.open();
        for (UncurlTable table : UncurlTable.values()) {
            assertThat(warehouse.table(table).isEmpty()).as(table.id()).isTrue();
        }
        assertThat(cli.folder().resolve("models")).doesNotExist();
    }

    @Test
    void aMissingPath() throws IOException {
        Cli.Outcome outcome = tokenize("cc100", "/nowhere/en.txt");
        assertThat(outcome.code()).isEqualTo(3);
        assertThat(outcome.err()).contains("/nowhere/en.txt").contains("does not exist");
        assertNothingWritten();
    }

    @Test
    void anUnknownConfigurationKey() throws IOException {
        Cli.Outcome outcome = tokenize("cc100", "../test-data/cc100", "--set", "vocabulery=3");
        assertThat(outcome.code()).isEqualTo(2);
        assertThat(outcome.err()).contains("vocabulery").contains("Did you mean vocabulary?");
    }

    @Test
    void aTruncatedGzipIsALostFileAndRefusedHoweverFewDocumentsAreRejected() throws IOException {
        Cli.Outcome outcome =
                tokenize("mc4", "../test-data/{damaged/truncated,mc4/c4-en.tfrecord-00000-of-00002}.json.gz");
        assertThat(outcome.code()).isEqualTo(4);
        assertThat(outcome.err())
                .contains("damaged files: 1 of 2, more than max-damaged-files = 0")
                .containsPattern(
                        "truncated.json.gz: damaged gzip data at line \\d+, byte [\\d,]+ .byte 9194 of the file")
                .contains("No table was changed")
                .doesNotContain("c4-en");
        assertNothingWritten();
    }

    @Test
    void aTruncatedGzipWithinTheCeilingGivesWhatStandsBeforeTheDamageAndOneRejection() throws IOException {
        Cli.Outcome outcome = tokenize("mc4", "../test-data/damaged/truncated.json.gz", "--max-damaged-files", "1");
        assertThat(outcome.code()).isZero();
        assertThat(outcome.out())
                .contains("0 rejected; 1 damaged files")
                .containsPattern("damaged file: .*truncated.json.gz: damaged gzip data at line");
        assertThat(cli.open().table(UncurlTable.REJECTIONS).count()).isEqualTo(1);
        assertThat(cli.open().table(UncurlTable.SEQUENCES).isEmpty()).isFalse();
        var run = TokenizeFixture.run(cli.open(), "corpus");
        assertThat(run.<Long>getAs("files_damaged")).isEqualTo(1);
        assertThat(run.<Long>getAs("documents_rejected")).isZero();
        assertThat(Files.readString(cli.folder().resolve("cards/corpus/README.md")))
                .contains("| damaged files | 1 |");
    }

    @Test
    void aCeilingOfDamagedFilesBelowNothing() throws IOException {
        Cli.Outcome outcome = tokenize("mc4", "../test-data/damaged/truncated.json.gz", "--max-damaged-files", "-1");
        assertThat(outcome.code()).isEqualTo(2);
        assertThat(outcome.err()).contains("--max-damaged-files = -1");
    }

    @Test
    void anArchiveAmongTheFilesIsRefusedBeforeAnyIsRead() throws IOException {
        byte[] tar = new byte[1024];
        System.arraycopy("ustar".getBytes(StandardCharsets.US_ASCII), 0, tar, 257, 5);
        Path files = Files.createDirectory(folder.resolve("files"));
        Files.writeString(files.resolve("good.txt"), "one\n\ntwo\n");
        try (var out = new GZIPOutputStream(Files.newOutputStream(files.resolve("more.gz")))) {
            out.write(tar);
        }
        for (String[] more : new String[][] {{}, {"--estimate"}}) {
            Cli.Outcome outcome = tokenize("cc100", files.toString(), more);
            assertThat(outcome.code()).isEqualTo(3);
            assertThat(outcome.err())
                    .contains("more.gz")
                    .contains("a tar archive")
                    .contains("No table was changed");
        }
        assertNothingWritten();
    }

    @Test
    void textInUtf16IsRejectedWithFileReasonAndPlaceOnTheScreen() throws IOException {
        Path files = Files.createDirectory(folder.resolve("files"));
        Files.writeString(files.resolve("good.txt"), "one\n\ntwo\n");
        Files.write(files.resolve("other.txt"), "First\n\nSecond\n".getBytes(StandardCharsets.UTF_16LE));
        Files.writeString(files.resolve("nothing.txt"), "\n");
        Cli.Outcome refused = tokenize("cc100", files.toString());
        assertThat(refused.code()).isEqualTo(4);
        String place = "1 NUL or other control characters, not text, first in .*other.txt at line 1, byte 0";
        assertThat(refused.err()).contains("1 of 3 documents are rejected").containsPattern(place);
        assertNothingWritten();
        Cli.Outcome taken = tokenize("cc100", files.toString(), "--max-rejected", "0.5");
        assertThat(taken.code()).isZero();
        assertThat(taken.out())
                .containsPattern("rejected: " + place)
                .containsPattern("without a document: .*nothing.txt\n")
                .doesNotContain("good.txt");
    }

    @Test
    void anEmptyCorpus() throws IOException {
        Cli.Outcome outcome = tokenize("cc100", "../test-data/damaged/empty.txt");
        assertThat(outcome.code()).isEqualTo(3);
        assertThat(outcome.err()).contains("empty.txt").contains("has no documents");
        assertNothingWritten();
    }

    @Test
    void aModelThatIsNotThere() {
        Cli.Outcome outcome = cli.run("evaluate", "--model", "ghost", "--task", "superglue/copa");
        assertThat(outcome.code()).isEqualTo(3);
        assertThat(outcome.err()).contains("ghost");
    }

    @Test
    void aCommandThatIsMisspelt() {
        Cli.Outcome outcome = cli.run("tokenise");
        assertThat(outcome.code()).isEqualTo(2);
        assertThat(outcome.err()).contains("tokenize");
    }

    @Test
    void aStatementThatDoesNotParse() {
        Cli.Outcome outcome = cli.run("sql", "SELEKT 1");
        assertThat(outcome.code()).isEqualTo(2);
        assertThat(outcome.err()).contains("SELEKT");
    }

    @Test
    void trainingOnACorpusThatWasNotTokenised() {
        Cli.Outcome outcome =
                cli.run("pretrain", "--model", "base", "--config", "src/test/resources/tiny/pretrain.conf");
        assertThat(outcome.code()).isEqualTo(3);
        assertThat(outcome.err()).contains("mc4").contains("Run tokenize");
        assertThat(cli.folder().resolve("models/base")).doesNotExist();
    }
}

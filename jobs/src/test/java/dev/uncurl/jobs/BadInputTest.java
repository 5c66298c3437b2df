package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a user sees who asks for the impossible: the thing, its place, the remedy, the exit code, and nothing written. */
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
        for (Tables table : Tables.values()) {
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
    void aTruncatedGzipBeyondTheCeiling() throws IOException {
        Cli.Outcome outcome = tokenize("mc4", "../test-data/damaged/truncated.json.gz");
        assertThat(outcome.code()).isEqualTo(4);
        assertThat(outcome.err()).contains("truncated.json.gz").contains("max-rejected = 0.01");
        assertNothingWritten();
    }

    @Test
    void aTruncatedGzipWithinTheCeilingGivesWhatStandsBeforeTheDamageAndOneRejection() throws IOException {
        Cli.Outcome outcome = tokenize("mc4", "../test-data/damaged/truncated.json.gz", "--set", "max-rejected=0.9");
        assertThat(outcome.code()).isZero();
        assertThat(cli.open().table(Tables.REJECTIONS).count()).isEqualTo(1);
        assertThat(cli.open().table(Tables.SEQUENCES).isEmpty()).isFalse();
    }

    @Test
    void anEmptyCorpus() throws IOException {
        Cli.Outcome outcome = tokenize("cc100", "../test-data/damaged/empty.txt");
        assertThat(outcome.code()).isEqualTo(3);
        assertThat(outcome.err()).contains("empty.txt").contains("holds no document");
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

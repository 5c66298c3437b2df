package dev.uncurl.jobs.tokenize;

import static dev.uncurl.jobs.tokenize.TokenizeFixture.config;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.corpus;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.counts;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.run;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.tokenize;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.warehouse;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which files a run reads, and what it takes for the same inputs. */
@Tag("slow")
class TokenizeInputsTest {
    /** The local file system under another scheme, on which late.txt is another file from some opening on. */
    public static final class ChangingFileSystem extends RawLocalFileSystem {
        static final AtomicInteger LEFT = new AtomicInteger();

        @Override
        public java.net.URI getUri() {
            return java.net.URI.create("changing:///");
        }

        @Override
        public String getScheme() {
            return "changing";
        }

        @Override
        public FSDataInputStream open(org.apache.hadoop.fs.Path file, int size) throws IOException {
            if (file.getName().equals("late.txt") && LEFT.decrementAndGet() == 0) {
                Path late = Path.of(file.toUri().getPath());
                FileTime time = Files.getLastModifiedTime(late);
                Files.writeString(late, "NEW WORDS\n\n");
                Files.setLastModifiedTime(late, time);
            }
            return super.open(file, size);
        }
    }

    @TempDir
    private Path folder;

    private Path write(String name, String text) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.writeString(file, text);
    }

    private static String withValidation(String corpus, String validation) {
        return corpus.replace("validation-paths = []", "validation-paths = [\"" + validation + "\"]");
    }

    private static TreeSet<String> files(Warehouse warehouse, String split) {
        var files = new TreeSet<String>();
        warehouse.rows(UncurlTable.SEQUENCES, "split", split).collectAsList().forEach(row -> row.<Row>getList(
                        row.fieldIndex("source_refs"))
                .forEach(reference -> files.add(reference.getString(0).replaceAll(".*/", ""))));
        return files;
    }

    @Test
    void aFileOfBothPathsValidatesOnlyAndTextsOfBothSplitsAreCounted() throws IOException {
        write("in/train.txt", "first\n\nshared\n\nthird\n\nshared\n\n");
        write("in/sub/more.txt", "deep\n\n");
        write("in/val.txt", "shared\n\nother\n\n");
        String corpora =
                withValidation(corpus("text", "cc100", folder + "/in"), "file:" + folder + "/in/sub/../val.txt");
        for (String within : List.of("none", "corpus")) {
            Warehouse warehouse = warehouse(folder.resolve("w-" + within));
            tokenize(warehouse, config(folder, corpora, "duplicates.within=" + within));
            assertThat(files(warehouse, "train")).containsExactly("more.txt", "train.txt");
            assertThat(files(warehouse, "validation")).containsExactly("val.txt");
            Row run = run(warehouse, "text");
            // where copies are left out, the first stays, which trains
            assertThat(run.<Long>getAs("documents_in_both_splits")).isEqualTo(within.equals("none") ? 1L : 0L);
            assertThat(run.getList(run.fieldIndex("sources"))).hasSize(3);
            assertThat(warehouse.rows(UncurlTable.DOCUMENTS, "corpus", "text").isEmpty())
                    .isEqualTo(within.equals("none"));
            assertThat(Files.readString(folder.resolve("w-" + within + "/cards/text/README.md")))
                    .contains("| documents in both splits | " + (within.equals("none") ? 1 : 0) + " |");
        }
    }

    @Test
    void textsThatAreEqualWhenNormalisedAreCopiesAndFallOnOneSide() throws IOException {
        var text = new StringBuilder();
        for (int i = 0; i < 40; i++) {
            text.append("caf\u00e9 ")
                    .append(i)
                    .append("\n\ncafe\u0301 ")
                    .append(i)
                    .append("\n\n");
        }
        write("in/a.txt", text.toString());
        Warehouse warehouse = warehouse(folder.resolve("w"));
        String corpora = corpus("text", "cc100", folder + "/in");
        tokenize(
                warehouse,
                config(
                        folder,
                        corpora,
                        "duplicates.within=corpus",
                        "filter.normalization=nfc",
                        "validation-fraction=0.5"));
        assertThat(counts(run(warehouse, "text"), "filtered")).isEqualTo(Map.of(UnitTokenizer.DUPLICATE, 40L));
        Warehouse both = warehouse(folder.resolve("both"));
        tokenize(both, config(folder, corpora, "filter.normalization=nfc", "validation-fraction=0.5"));
        var sides = new TreeSet<Integer>();
        for (String split : List.of("train", "validation")) {
            int documents = both.rows(UncurlTable.SEQUENCES, "split", split).collectAsList().stream()
                    .mapToInt(row ->
                            row.getList(row.fieldIndex("document_starts")).size())
                    .sum();
            assertThat(documents).isPositive();
            sides.add(documents % 2);
        }
        assertThat(sides).as("both forms of a text are in one split").containsExactly(0);
    }

    @Test
    void theSameBytesAreTheSameInputsWhereverAndWheneverTheyWereWritten() throws IOException {
        write("in/a.txt", "one\n\ntwo\n\n");
        write("in/b.txt", "three\n\n");
        write("copy/a.txt", "one\n\ntwo\n\n");
        Path changed = write("copy/b.txt", "three\n\n");
        Files.setLastModifiedTime(changed, FileTime.fromMillis(0));
        Warehouse warehouse = warehouse(folder.resolve("w"));
        tokenize(warehouse, config(folder, corpus("text", "cc100", folder + "/in")));
        tokenize(warehouse, config(folder, corpus("text", "cc100", folder + "/copy")));
        assertThat(warehouse.table(UncurlTable.RUNS).count()).isEqualTo(1);
        Files.writeString(changed, "THREE\n\n");
        Files.setLastModifiedTime(changed, FileTime.fromMillis(0));
        for (String other : List.of("other bytes", "another name")) {
            assertThatThrownBy(() -> tokenize(warehouse, config(folder, corpus("text", "cc100", folder + "/copy"))))
                    .as(other)
                    .isInstanceOfSatisfying(
                            UserError.class, r -> assertThat(r.kind()).isEqualTo(UserError.Kind.CONFLICT))
                    .hasMessageContaining("contents");
            Files.deleteIfExists(changed);
            write("copy/c.txt", "three\n\n");
        }
    }

    @Test
    void aFileThatChangesAfterItWasHashedFailsTheRunAndTheNextRunReadsItAsItIs() throws IOException {
        TokenizeFixture.spark()
                .sparkContext()
                .hadoopConfiguration()
                .set("fs.changing.impl", ChangingFileSystem.class.getName());
        write("in/early.txt", "some text\n\n".repeat(3));
        for (int opening : new int[] {2, 3}) { // by the duplicates' pass, by the packing pass
            Path late = write("in/late.txt", "OLD WORDS\n\n");
            var config =
                    config(folder, corpus("text", "cc100", "changing://" + folder + "/in"), "duplicates.within=corpus");
            Warehouse warehouse = warehouse(folder.resolve("w" + opening));
            ChangingFileSystem.LEFT.set(opening);
            assertThatThrownBy(() -> tokenize(warehouse, config)).satisfies(e -> assertThat(userError(e))
                    .hasMessageContaining("late.txt was changed while it was read")
                    .extracting(UserError::kind)
                    .isEqualTo(UserError.Kind.INPUT));
            for (UncurlTable table : List.of(UncurlTable.RUNS, UncurlTable.SEQUENCES, UncurlTable.DOCUMENTS)) {
                assertThat(warehouse.table(table).isEmpty()).as(table.id()).isTrue();
            }
            assertThat(late).hasContent("NEW WORDS\n\n");
            tokenize(warehouse, config);
            assertThat(run(warehouse, "text").<Long>getAs("documents_in")).isEqualTo(4);
        }
    }

    private static UserError userError(Throwable e) {
        for (Throwable t = e; t != null; t = t.getCause()) {
            if (t instanceof UserError userError) {
                return userError;
            }
        }
        throw new AssertionError("no UserError", e);
    }
}

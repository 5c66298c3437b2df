package dev.uncurl.corpus.format;

import static dev.uncurl.corpus.format.Corpora.only;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.corpus.Document;
import dev.uncurl.corpus.Rejection;
import dev.uncurl.corpus.io.CorpusFiles;
import dev.uncurl.corpus.io.CorpusListing;
import dev.uncurl.corpus.row.PlainText;
import dev.uncurl.error.UserError;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that are not what their name or format says: refused whole, or rejected with their place, never read as text. */
class MisreadFilesTest {
    private static final byte[] TEXT = utf8("one\n\ntwo\n");

    @TempDir
    private Path folder;

    @Test
    void filesThatAreNoTextAreRefusedByNameWithWhatTheyHoldAndWhatToDo() throws IOException {
        var files = Map.ofEntries(
                Map.entry("archive.gz", Corpora.gzip(tar())),
                Map.entry("archive.zst", Corpora.zstd(tar())),
                Map.entry("archive", tar()),
                Map.entry("zipped.txt", zip()),
                Map.entry("zipped.gz", Corpora.gzip(zip())),
                Map.entry("twice.gz", Corpora.gzip(Corpora.gzip(TEXT))),
                Map.entry("twice.zst", Corpora.zstd(Corpora.gzip(TEXT))),
                Map.entry("unnamed.json", Corpora.gzip(TEXT)),
                Map.entry("unnamed.txt", Corpora.zstd(TEXT)),
                Map.entry("other.gz", Corpora.zstd(TEXT)),
                Map.entry("zip.gz", zip()),
                Map.entry("parquet.json", utf8("PAR1\u0015\u0004")),
                Map.entry(
                        "pointer.json.gz",
                        utf8("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")),
                Map.entry("pointer.txt", utf8("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1\n")),
                Map.entry("utf16.txt", "\ufeffone\n".getBytes(StandardCharsets.UTF_16LE)),
                Map.entry("utf16.gz", Corpora.gzip("\ufeffone\n".getBytes(StandardCharsets.UTF_16BE))),
                Map.entry("utf32.txt", "\ufeffone\n".getBytes(Charset.forName("UTF-32LE"))));
        for (var file : files.entrySet()) {
            Path path = Files.write(folder.resolve(file.getKey()), file.getValue());
            assertThatThrownBy(() -> CorpusFormat.of("cc100").open(Corpora.HADOOP, path.toString()))
                    .as(file.getKey())
                    .isInstanceOfSatisfying(UserError.class, userError -> assertThat(userError.kind())
                            .isEqualTo(UserError.Kind.INPUT))
                    .hasMessageContaining(file.getKey())
                    .hasMessageContaining("No table was changed");
        }
        assertThatThrownBy(() -> CorpusFiles.open(
                        Corpora.HADOOP, folder.resolve("archive.gz").toString()))
                .hasMessageContaining("a tar archive")
                .hasMessageContaining("Unpack it");
        assertThatThrownBy(() -> CorpusFiles.open(
                        Corpora.HADOOP, folder.resolve("twice.gz").toString()))
                .hasMessageContaining("compressed twice");
        assertThatThrownBy(() -> CorpusFiles.open(
                        Corpora.HADOOP, folder.resolve("pointer.txt").toString()))
                .hasMessageContaining("git lfs pull");
    }

    @ParameterizedTest
    @ValueSource(strings = {"x.tar.gz", "x.TGZ", "x.tar.xz", "x.txz", "x.tar.zst", "x.tzst", "x.tar", "x.orc"})
    void archivesAndTablesAreRefusedByTheirEnding(String name) throws IOException {
        Path path = Files.write(folder.resolve(name), TEXT);
        assertThatThrownBy(() -> CorpusListing.of(Corpora.HADOOP, List.of(path.toString()), List.of()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining(name)
                .hasMessageContaining("not supported");
    }

    @Test
    void whatIsTextIsReadWhateverItsLengthAndDamageInItsBeginningIsRejected() throws IOException {
        for (int length : new int[] {0, 1, 261, 262, 511, 512, 513, 70_000}) {
            byte[] bytes = utf8("x".repeat(length));
            Path plain = Files.write(folder.resolve("plain"), bytes);
            Path packed = Files.write(folder.resolve("packed.gz"), Corpora.gzip(bytes));
            for (Path path : List.of(plain, packed)) {
                try (var in = CorpusFiles.open(Corpora.HADOOP, path.toString())) {
                    assertThat(in.readAllBytes()).isEqualTo(bytes);
                }
            }
        }
        Path damaged = Files.write(folder.resolve("damaged.gz"), Arrays.copyOf(Corpora.gzip(TEXT), 15));
        try (var reader = CorpusFormat.of("cc100").open(Corpora.HADOOP, damaged.toString())) {
            assertThat(Corpora.all(reader)).last().matches(Corpora::isDamage);
        }
    }

    /** Without a byte order mark. Scripts whose bytes are all below 128, as others are no UTF-8 to begin with. */
    @Property(tries = 300)
    void utf16AndUtf32AreNeverTakenForText(
            @ForAll
                    @StringLength(min = 2, max = 60)
                    @CharRange(from = 'A', to = 'z')
                    @CharRange(from = 0x410, to = 0x44f)
                    String text,
            @ForAll @IntRange(max = 3) int encoding) {
        var charset = Charset.forName(
                List.of("UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE").get(encoding));
        byte[] file = (text + "\n\n" + text + "\n").getBytes(charset);
        assertThat(Corpora.read("cc100", "x.txt", file, 1 << 20)).isNotEmpty().allMatch(Rejection.class::isInstance);
        byte[] row = ("{\"text\":\"" + text.replace("\\", "") + "\"}\n").getBytes(charset);
        assertThat(Corpora.read("mc4", "x.json", row, 1 << 20)).isNotEmpty().allMatch(Rejection.class::isInstance);
    }

    @Test
    void oneControlCharacterStaysAndManyAreNoText() {
        assertThat(PlainText.fault("a\0b")).isNull();
        assertThat(PlainText.fault("\tone\r\n\u001b[1mtwo\u001b[0m\f")).isNull();
        assertThat(PlainText.fault("F\0i\0")).isEqualTo(PlainText.CONTROLS);
        assertThat(PlainText.fault("text" + "\0".repeat(64))).isEqualTo(PlainText.CONTROLS);
        assertThat(PlainText.fault("x".repeat(200) + "\0\0")).isNull();
        assertThat(Corpora.readText("mc4", "{\"text\":\"F\\u0000i\\u0000r\\u0000\"}\n"))
                .singleElement()
                .satisfies(outcome -> assertThat(((Rejection) outcome).reason()).contains("field text contains NUL"));
    }

    @Test
    void loneSurrogatesAreRejectedInEveryFormatAndPairsAreRead() {
        for (String escape : List.of("\\ud83d", "\\ude00", "\\ude00\\ud83d", "\\ud83d x", "\\uD83D\\ud83d\\ude00")) {
            for (var format : rows(escape).entrySet()) {
                var outcomes = Corpora.readText(format.getKey(), format.getValue());
                assertThat(only(Rejection.class, outcomes))
                        .as(format.getKey() + escape)
                        .hasSize(1);
                assertThat(only(Rejection.class, outcomes).get(0).reason()).contains("a lone surrogate");
                assertThat(only(Rejection.class, outcomes).get(0).scope()).isEqualTo(Rejection.Scope.ROW);
            }
        }
        rows("\\ud83d\\ude00").forEach((format, row) -> assertThat(Corpora.readText(format, row))
                .as(format)
                .isNotEmpty()
                .noneMatch(Rejection.class::isInstance));
    }

    /** A row of each format with a piece of text in a field, which in most is nested. */
    private static Map<String, String> rows(String text) {
        return Map.of(
                "mc4", "{\"text\":\"a " + text + " b\"}\n",
                "flan", "{\"inputs\":\"a\",\"targets\":\"" + text + "\",\"task_name\":\"t\"}\n",
                "super-natural-instructions",
                        "{\"Definition\":[\"d\"],\"Instances\":[{\"input\":\"i\",\"output\":[\"" + text + "\"]}]}",
                "superglue/copa",
                        "{\"premise\":\"p" + text
                                + ".\",\"choice1\":\"a\",\"choice2\":\"b\",\"question\":\"cause\",\"label\":0}\n",
                "superglue/multirc",
                        "{\"passage\":{\"text\":\"p\",\"questions\":[{\"question\":\"q\",\"answers\":[{\"text\":\""
                                + text + "\",\"label\":1}]}]}}\n",
                "superglue/wsc",
                        "{\"text\":\"Ann " + text
                                + " she\",\"label\":true,\"target\":{\"span1_text\":\"Ann\",\"span2_text\":\"she\","
                                + "\"span2_index\":" + (text.contains(" ") ? 3 : 2) + "}}\n");
    }

    @Test
    void byteOrderMarksOfJoinedFilesAreNoText() {
        byte[] marked = utf8("\ufeffone\n\n");
        var parts = new ByteArrayOutputStream();
        parts.writeBytes(marked);
        parts.writeBytes(utf8("\ufeff\ufefftwo\n\ufeff\r\n\ufeffthree\n"));
        var members = new ByteArrayOutputStream();
        members.writeBytes(Corpora.gzip(marked));
        members.writeBytes(Corpora.gzip(utf8("\ufeff\ufefftwo\n\ufeff\r\n\ufeffthree\n")));
        for (String name : List.of("x.txt", "x.gz")) {
            byte[] file = name.equals("x.gz") ? members.toByteArray() : parts.toByteArray();
            var documents = only(Document.class, Corpora.read("cc100", name, file, 1000));
            assertThat(documents.stream().map(Document::text)).containsExactly("one", "two", "three");
            assertThat(documents.get(1).offset()).isEqualTo(8 + 6);
        }
        String row = "\ufeff{\"text\":\"one\"}\n";
        assertThat(Corpora.readText("mc4", row + row + "\ufeff\n")).hasSize(2).allMatch(Document.class::isInstance);
    }

    @Test
    void aPlainFileThatEndsInsideARowOrCharacterIsDamaged() {
        byte[] cut = Arrays.copyOf(utf8("one\n\ntwo caf\u00e9"), 13); // of the last character's two bytes the first
        assertCut("cc100", cut, 1);
        assertCut("mc4", utf8("{\"text\":\"one\"}\n{\"text\":\"tw"), 1);
        assertCut("mc4", Corpora.gzip(utf8("{\"text\":\"one\"}\n{\"text\":\"two\"")), 1);
        assertCut("flan", utf8("{"), 0);
        assertCut("cot", utf8("q\ta\tr\nq\ta"), 1);
        assertCut("superglue/copa", utf8("{\"premise\":\"p\\u00"), 0);
        assertCut(
                "super-natural-instructions",
                utf8("{\"Definition\":\"d\",\"Instances\":[{\"input\":\"i\",\"output\":\"o\"}"),
                1);
        assertCut("super-natural-instructions", new byte[0], 0);
        // bad rows, but whole ones
        assertThat(Corpora.readText("mc4", "{\"text\":5}"))
                .singleElement()
                .matches(outcome -> !Corpora.isDamage(outcome));
        assertThat(Corpora.readText("mc4", "{\"text\":\"tw\n"))
                .singleElement()
                .matches(outcome -> !Corpora.isDamage(outcome));
        assertThat(Corpora.read("cc100", "x", new byte[] {'a', (byte) 0xc3, '\n'}, 1000))
                .singleElement()
                .matches(outcome -> !Corpora.isDamage(outcome));
    }

    private static void assertCut(String format, byte[] file, int before) {
        String name = file.length > 0 && file[0] == 0x1f ? "x.gz" : "x";
        var outcomes = Corpora.read(format, name, file, 1000);
        assertThat(outcomes).as(format).hasSize(before + 1);
        assertThat(outcomes.get(before)).as(format).matches(Corpora::isDamage);
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** A header of a tar archive, with a file of no bytes. */
    private static byte[] tar() {
        byte[] header = new byte[1536];
        System.arraycopy(utf8("one.txt"), 0, header, 0, 7);
        System.arraycopy(utf8("ustar"), 0, header, 257, 5);
        return header;
    }

    private static byte[] zip() {
        var out = new ByteArrayOutputStream();
        try (var zip = new ZipOutputStream(out)) {
            zip.putNextEntry(new ZipEntry("one.txt"));
            zip.write(TEXT);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }
}

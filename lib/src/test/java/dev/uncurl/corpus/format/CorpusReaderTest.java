package dev.uncurl.corpus.format;

import static dev.uncurl.corpus.format.Corpora.DATA;
import static dev.uncurl.corpus.format.Corpora.only;
import static dev.uncurl.corpus.format.Corpora.read;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.corpus.Document;
import dev.uncurl.corpus.Example;
import dev.uncurl.corpus.Rejection;
import dev.uncurl.corpus.io.CorpusFiles;
import dev.uncurl.error.UserError;
import java.io.ByteArrayInputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tukaani.xz.XZInputStream;

class CorpusReaderTest {
    @ParameterizedTest
    @ValueSource(strings = {"fiction.txt", "nonfiction.txt", "speeches.txt", "religion_kjv.txt.xz"})
    void everyDocumentOfCc100ComesOutWithItsPlace(String file) throws IOException {
        byte[] bytes = bytes("cc100/" + file);
        String text = new String(bytes, StandardCharsets.UTF_8);
        var documents = only(Document.class, read("cc100", "cc100/" + file));
        assertThat(documents).hasSameSizeAs(read("cc100", "cc100/" + file)).isNotEmpty();
        assertThat(String.join("\n\n", documents.stream().map(Document::text).toList()) + "\n")
                .isEqualTo(text);
        for (Document document : documents) {
            byte[] wanted = document.text().getBytes(StandardCharsets.UTF_8);
            assertThat(new ByteArrayInputStream(bytes, (int) document.offset(), wanted.length).readAllBytes())
                    .isEqualTo(wanted);
            assertThat(lineAt(bytes, document.offset())).isEqualTo(document.line());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "mc4 mc4/c4-en.tfrecord-00000-of-00002.json.gz",
                "mc4 mc4/c4-en.tfrecord-00001-of-00002.json.gz",
                "flan flan/cot_aqua.jsonl",
                "flan flan/winogrande.jsonl",
                "flan flan/task1729_personachat_generate_next.jsonl",
                "superglue/boolq superglue/BoolQ/train.jsonl",
                "superglue/boolq superglue/BoolQ/val.jsonl",
                "superglue/copa superglue/COPA/train.jsonl",
                "superglue/cb superglue/CB/train.jsonl",
                "superglue/rte superglue/RTE/val.jsonl"
            })
    void everyRowOfJsonLinesComesOutAndNoneIsRejected(String formatAndFile) throws IOException {
        String[] words = formatAndFile.split(" ");
        long rows = new String(bytes(words[1]), StandardCharsets.UTF_8).lines().count();
        var outcomes = read(words[0], words[1]);
        assertThat(outcomes).hasSize((int) rows).noneMatch(Rejection.class::isInstance);
    }

    @Test
    void eachBadRowIsOneRejectionAndTheGoodOnesStay() {
        var outcomes = read("mc4", "damaged/bad-rows.json");
        assertThat(only(Rejection.class, outcomes).stream().map(Rejection::reason))
                .containsExactly(
                        "field text is empty",
                        "no field text",
                        "no field text",
                        "field text is not a string",
                        "field text is not a string",
                        "malformed JSON",
                        "malformed JSON",
                        "invalid UTF-8",
                        "field text contains a lone surrogate",
                        "malformed JSON",
                        "field url is not a string",
                        "JSON nested too deep or number too long");
        assertThat(outcomes).hasSize(18); // 19 lines, one of them blank
        var texts = only(Document.class, outcomes).stream().map(Document::text).toList();
        assertThat(texts).hasSize(6).contains("<|endoftext|> is text", "a\0b", "end");
        assertThat(only(Rejection.class, outcomes).get(0).location()).startsWith("line 2, byte ");
    }

    @Test
    void truncatedGzipGivesTheRowsBeforeAndOneRejection() {
        var outcomes = read("mc4", "damaged/truncated.json.gz");
        assertThat(outcomes).hasSizeGreaterThan(3);
        var rejection = (Rejection) outcomes.get(outcomes.size() - 1);
        assertThat(rejection.scope()).isEqualTo(Rejection.Scope.FILE);
        assertThat(rejection.reason()).isEqualTo("damaged gzip data");
        assertThat(rejection.source()).endsWith("damaged/truncated.json.gz");
        assertThat(rejection.location()).matches("line " + outcomes.size() + ", byte \\d+ \\(byte 9194 of the file\\)");
        assertThat(rejection.excerpt()).contains("ends inside member 1");
        assertThat(only(Document.class, outcomes)).hasSize(outcomes.size() - 1);
    }

    @Test
    void truncatedXzGivesTheDocumentsBeforeAndOneRejection() {
        var outcomes = read("cc100", "damaged/truncated.txt.xz");
        assertThat(outcomes).hasSizeGreaterThan(2);
        assertThat(((Rejection) outcomes.get(outcomes.size() - 1)).reason()).isEqualTo("damaged xz data");
        var whole = only(Document.class, read("cc100", "cc100/religion_kjv.txt.xz"));
        var given = only(Document.class, outcomes);
        assertThat(given).hasSize(outcomes.size() - 1);
        assertThat(given.stream().map(Document::text))
                .isEqualTo(whole.subList(0, given.size()).stream()
                        .map(Document::text)
                        .toList());
    }

    @Test
    void concatenatedMembersAndStreamsReadAsOneFile() throws IOException {
        byte[] member = Corpora.gzip("{\"text\":\"one\"}\n{\"text\":".getBytes(StandardCharsets.UTF_8));
        byte[] rest = Corpora.gzip("\"two\"}\n".getBytes(StandardCharsets.UTF_8));
        var outcomes = read("mc4", "x.gz", concatenate(member, rest, new byte[700]), 1000);
        assertThat(only(Document.class, outcomes).stream().map(Document::text)).containsExactly("one", "two");
        assertThat(outcomes).hasSize(2);

        byte[] xz = Files.readAllBytes(Path.of(DATA + "cc100/religion_kjv.txt.xz"));
        assertThat(read("cc100", "x.xz", concatenate(xz, xz), CorpusReader.DEFAULT_CAP))
                .hasSize(2 * 303 - 1) // no empty line between the last and the first
                .allMatch(Document.class::isInstance);

        byte[] frame = Corpora.zstd("{\"text\":\"one\"}\n{\"text\":".getBytes(StandardCharsets.UTF_8));
        byte[] last = Corpora.zstd("\"two\"}\n".getBytes(StandardCharsets.UTF_8));
        assertThat(read("mc4", "x.zst", concatenate(frame, last), 1000).stream()
                        .map(outcome -> ((Document) outcome).text()))
                .containsExactly("one", "two");
    }

    @Test
    void rubbishAfterTheLastMemberIsOneRejection() {
        byte[] member = Corpora.gzip("{\"text\":\"one\"}\n".getBytes(StandardCharsets.UTF_8));
        var outcomes = read("mc4", "x.gz", concatenate(member, "rubbish".getBytes(StandardCharsets.UTF_8)), 1000);
        assertThat(outcomes).hasSize(2);
        assertThat(((Rejection) outcomes.get(1)).excerpt()).contains("after member 1");
    }

    @Test
    void damagedZstdGivesTheRowsBeforeAndOneRejection() {
        byte[] frame = Corpora.zstd("{\"text\":\"one\"}\n".getBytes(StandardCharsets.UTF_8));
        byte[] longer = Corpora.zstd("{\"text\":\"two\"}\n".repeat(1000).getBytes(StandardCharsets.UTF_8));
        for (byte[] rest : List.of("rubbish".getBytes(StandardCharsets.UTF_8), Arrays.copyOf(longer, 20))) {
            var outcomes = read("mc4", "x.zst", concatenate(frame, rest), 1000);
            assertThat(outcomes).hasSize(2);
            assertThat(((Document) outcomes.get(0)).text()).isEqualTo("one");
            assertThat(((Rejection) outcomes.get(1)).reason()).isEqualTo("damaged zstd data");
        }
        longer[longer.length - 1] ^= 1; // the checksum, which comes after the text
        var outcomes = read("mc4", "x.zst", longer, 1000);
        assertThat(only(Document.class, outcomes)).hasSize(outcomes.size() - 1);
        assertThat(outcomes).hasSizeGreaterThan(1000 - (4 << 10) / 15); // a row has 15 bytes
        assertThat(((Rejection) outcomes.get(outcomes.size() - 1)).excerpt()).contains("checksum");
    }

    /** 200 MB out of some 20 to 200 kB: what is held is the cap, in the reader and in the decompressor. */
    @ParameterizedTest
    @ValueSource(strings = {".gz", ".zst"})
    void archivesThatExpandAThousandfoldAreReadWithinTheCap(String ending) {
        byte[] block = new byte[10 << 20];
        Arrays.fill(block, (byte) 'x');
        byte[] member = ending.equals(".gz") ? Corpora.gzip(block) : Corpora.zstd(block);
        byte[][] members = new byte[20][];
        Arrays.fill(members, member);
        for (String format : List.of("cc100", "mc4")) {
            assertThat(read(format, "x" + ending, concatenate(members), 1000))
                    .singleElement()
                    .isInstanceOfSatisfying(Rejection.class, rejection -> assertThat(rejection.reason())
                            .isEqualTo("longer than 1000 bytes"));
        }
    }

    @Test
    void emptyFilesAreEmptyAndAnEmptyArchiveIsDamaged() {
        assertThat(read("cc100", "damaged/empty.txt")).isEmpty();
        for (var kind : List.of("gz gzip", "xz xz", "zst zstd")) {
            String[] words = kind.split(" ");
            assertThat(read("mc4", "x." + words[0], new byte[0], 1000))
                    .singleElement()
                    .satisfies(outcome ->
                            assertThat(((Rejection) outcome).reason()).isEqualTo("damaged " + words[1] + " data"));
        }
    }

    @Test
    void lineEndsOfWindowsAndByteOrderMarkAreNoText() {
        var documents = only(Document.class, read("cc100", "damaged/crlf-bom.txt"));
        assertThat(documents).hasSize(3);
        assertThat(documents).noneMatch(document -> document.text().contains("\r"));
        assertThat(documents.get(0).text()).doesNotStartWith("\ufeff");
        assertThat(documents.get(0).offset()).isEqualTo(3);
    }

    @Test
    void onlyEmptyLinesSeparateDocuments() {
        assertThat(only(Document.class, Corpora.readText("cc100", "\n\na\nb\n\n\n\n \t\nc\n\nd")).stream()
                        .map(Document::text))
                .containsExactly("a\nb", " \t\nc", "d");
    }

    @Test
    void oneDocumentOfOtherEncodingIsOneRejection() throws IOException {
        byte[] bytes = concatenate(
                "a\n\n".getBytes(StandardCharsets.UTF_8),
                "caf\u00e9\ny\n\n".getBytes(StandardCharsets.ISO_8859_1),
                "real \ufffd\n".getBytes(StandardCharsets.UTF_8));
        var outcomes = read("cc100", "x.txt", bytes, 1000);
        assertThat(outcomes).hasSize(3);
        assertThat(outcomes.get(1)).isInstanceOfSatisfying(Rejection.class, rejection -> {
            assertThat(rejection.reason()).isEqualTo("invalid UTF-8");
            assertThat(rejection.location()).isEqualTo("line 3, byte 3");
        });
        assertThat(((Document) outcomes.get(2)).text()).isEqualTo("real \ufffd");
    }

    @Test
    void whatIsBeyondTheCapIsRejectedAndTheRestRead() {
        String big = "x".repeat(300_000);
        var bytes = ("a\n\n" + big + "\nmore\n\n" + "yy\n".repeat(100_000) + "\nb\n").getBytes(StandardCharsets.UTF_8);
        var outcomes = read("cc100", "x.txt", bytes, 200_000);
        assertThat(outcomes).hasSize(4);
        assertThat(only(Rejection.class, outcomes))
                .hasSize(2)
                .allMatch(rejection -> rejection.reason().equals("longer than 200000 bytes"));
        var rows = ("{\"text\":\"" + big + "\"}\n{\"text\":\"b\"}").getBytes(StandardCharsets.UTF_8);
        assertThat(read("mc4", "x.json", rows, 200_000)).hasSize(2).element(1).isInstanceOf(Document.class);
        assertThat(read("mc4", "x.json", rows, 400_000)).hasSize(2).allMatch(Document.class::isInstance);
    }

    @Test
    void failingFileSystemThrowsInsteadOfRejecting() {
        var failing = new InputStream() {
            @Override
            public int read() throws IOException {
                throw new IOException("connection reset");
            }
        };
        for (String name : List.of("x.txt", "x.gz", "x.xz", "x.zst")) {
            var in = CorpusFiles.decompress(name, failing);
            assertThatThrownBy(() -> CorpusFormat.of("mc4").read(name, in, 10).hasNext())
                    .isInstanceOf(UncheckedIOException.class)
                    .hasMessageContaining(name);
        }
    }

    @Test
    void examplesOfFlanJoinToReadableText() {
        var example = (Example) read("flan", "flan/winogrande.jsonl").get(0);
        assertThat(example.task()).isEqualTo("winogrande");
        assertThat(example.inputs()).endsWith("- games");
        assertThat(example.targets()).isEqualTo(" markets");
        assertThat(example.choices()).isEmpty();
        assertThat(Corpora.readText("flan", "{\"inputs\":\"a\",\"targets\":\"b\"}\n"))
                .singleElement()
                .satisfies(outcome -> assertThat(((Rejection) outcome).reason()).isEqualTo("no field task_name"));
    }

    @Test
    void misspeltFormatIsRefusedWithTheNearest() {
        assertThatThrownBy(() -> CorpusFormat.of("cc10"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("Did you mean cc100?");
        assertThatThrownBy(() -> CorpusFormat.of("superglue/bolq"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("Did you mean superglue/boolq?");
        assertThatThrownBy(() -> CorpusFormat.of("no/such/task.conf"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("no/such/task.conf cannot be read");
    }

    private static long lineAt(byte[] bytes, long offset) {
        long line = 1;
        for (int i = 0; i < offset; i++) {
            line += bytes[i] == '\n' ? 1 : 0;
        }
        return line;
    }

    /** By other decompressors than the readers'. */
    private static byte[] bytes(String file) throws IOException {
        try (var raw = new FileInputStream(DATA + file);
                var in = file.endsWith(".gz")
                        ? new GZIPInputStream(raw)
                        : file.endsWith(".xz")
                                ? new XZInputStream(raw)
                                : new SequenceInputStream(raw, InputStream.nullInputStream())) {
            return in.readAllBytes();
        }
    }

    private static byte[] concatenate(byte[]... parts) {
        var out = new java.io.ByteArrayOutputStream();
        for (byte[] part : parts) {
            out.writeBytes(part);
        }
        return out.toByteArray();
    }
}

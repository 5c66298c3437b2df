package dev.uncurl.corpus.io;

import static dev.uncurl.corpus.format.Corpora.HADOOP;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.corpus.Document;
import dev.uncurl.corpus.Example;
import dev.uncurl.corpus.Outcome;
import dev.uncurl.corpus.Rejection;
import dev.uncurl.corpus.format.Corpora;
import dev.uncurl.corpus.format.CorpusFormat;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The parts of a file give together what the whole gives, wherever it is cut. */
class ByteRangeTest {
    private static final int CAP = 40;

    @Property(tries = 2000, edgeCases = EdgeCasesMode.NONE)
    void partsOfCc100GiveWhatTheWholeGives(@ForAll("files") byte[] file, @ForAll @Size(max = 8) List<Integer> cuts) {
        assertParts("cc100", file, cuts);
    }

    @Property(tries = 2000, edgeCases = EdgeCasesMode.NONE)
    void partsOfJsonLinesGiveWhatTheWholeGives(
            @ForAll("files") byte[] file, @ForAll @Size(max = 8) List<Integer> cuts) {
        assertParts("mc4", file, cuts);
    }

    @Property(tries = 300, edgeCases = EdgeCasesMode.NONE)
    void cutsAtEveryBlockGiveWhatTheWholeGives(
            @ForAll("files") byte[] file, @ForAll @IntRange(min = 1, max = 9) int block) {
        var cuts = new ArrayList<Integer>();
        for (int cut = block; cut < file.length; cut += block) {
            cuts.add(cut);
        }
        for (String format : List.of("cc100", "mc4", "flan")) {
            assertParts(format, file, cuts);
        }
    }

    private static void assertParts(String format, byte[] file, List<Integer> cuts) {
        var places = new TreeSet<Long>(List.of(0L, file.length + 5L));
        cuts.forEach(cut -> places.add((long) Math.floorMod(cut, file.length + 3)));
        var parts = new ArrayList<Outcome>();
        long rows = 0;
        Long start = null;
        for (long end : places) {
            if (start != null) {
                var range = new ByteRange(start, end);
                int from = (int) Math.min(range.from(), file.length);
                var in = new ByteArrayInputStream(file, from, file.length - from);
                try (var reader = CorpusFormat.of(format).read("x", in, CAP, range)) {
                    parts.addAll(Corpora.all(reader));
                    rows += reader.rows();
                }
            }
            start = end;
        }
        var whole = Corpora.read(format, "x", file, CAP).stream()
                .map(ByteRangeTest::withoutLine)
                .toList();
        assertThat(parts).isEqualTo(whole);
        assertThat(rows)
                .isEqualTo(whole.stream()
                        .filter(outcome -> !Corpora.isDamage(outcome))
                        .count());
    }

    private static Outcome withoutLine(Outcome outcome) {
        if (outcome instanceof Document d) {
            return new Document(d.source(), d.offset(), 0, d.text());
        }
        if (outcome instanceof Example e) {
            return Example.freeText(e.source(), e.offset(), 0, e.task(), e.inputs(), e.targets());
        }
        var r = (Rejection) outcome;
        return new Rejection(
                r.scope(),
                r.corpus(),
                r.source(),
                r.location().replaceFirst("line \\d+, ", ""),
                r.reason(),
                r.excerpt());
    }

    @Test
    void partsOfAFileOnDiskGiveWhatTheWholeGives() throws IOException {
        String file = Corpora.DATA + "cc100/fiction.txt";
        long bytes = Files.size(Path.of(file));
        var parts = new ArrayList<Outcome>();
        long step = 100_003;
        for (long start = 0; start < bytes + 2 * step; start += step) { // two parts behind the end
            try (var reader = CorpusFormat.of("cc100").open(HADOOP, file, start, step)) {
                parts.addAll(Corpora.all(reader));
            }
        }
        assertThat(parts)
                .isEqualTo(Corpora.read("cc100", "cc100/fiction.txt").stream()
                        .map(ByteRangeTest::withoutLine)
                        .toList());
        try (var reader = CorpusFormat.of("cc100").open(HADOOP, file, 0, Long.MAX_VALUE)) {
            assertThat(Corpora.all(reader)).isEqualTo(parts);
        }
    }

    @Test
    void aLineAsLongAsTheFileIsNotReadByEveryPart(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("x.txt");
        Files.writeString(file, "x".repeat(3_000_000) + "\n\nb\n");
        for (String format : List.of("cc100", "mc4")) {
            try (var reader = CorpusFormat.of(format).open(HADOOP, file.toString(), 1_000_000, 1_000)) {
                assertThat(reader.hasNext()).isFalse();
                assertThat(reader.bytesRead()).isLessThan(1_200_000);
            }
        }
    }

    @Test
    void compressedFilesAreNotCut() {
        for (String name : List.of("a.gz", "A.GZ", "a.txt.xz", "a.zst")) {
            assertThat(CorpusFormat.of("cc100").splittable(name)).isFalse();
            assertThatThrownBy(() -> CorpusFormat.of("cc100").open(HADOOP, name, 0, 1))
                    .isInstanceOf(IllegalArgumentException.class);
        }
        assertThat(CorpusFormat.of("mc4").splittable("a.json")).isTrue();
    }

    /** Lines of all kinds, short and beyond the cap, with every kind of end, or none. */
    @Provide
    Arbitrary<byte[]> files() {
        var pieces = Arbitraries.of(
                "\n",
                "\n",
                "\n\n",
                "\r\n",
                "\r\n\r\n",
                "\r",
                " ",
                "\t",
                "a",
                "word",
                "\u00e9\ud83d\ude00",
                "\u2028",
                "{\"text\":\"a\"}",
                "{\"text\":\"b\"}\n",
                "{\"text\":1}\r\n",
                "{",
                "\0",
                "x".repeat(CAP + 3),
                "\u00ff",
                "{\"inputs\":\"a\",\"targets\":\"b\",\"task_name\":\"c\"}\n");
        var text = pieces.list().ofMaxSize(24).map(list -> String.join("", list));
        return net.jqwik.api.Combinators.combine(text, Arbitraries.of(true, false), Arbitraries.of(true, false))
                .as((lines, mark, latin) -> {
                    var out = new ByteArrayOutputStream();
                    out.writeBytes(mark ? new byte[] {(byte) 0xef, (byte) 0xbb, (byte) 0xbf} : new byte[0]);
                    out.writeBytes(lines.getBytes(latin ? StandardCharsets.ISO_8859_1 : StandardCharsets.UTF_8));
                    return out.toByteArray();
                });
    }
}

package dev.uncurl.corpus.io;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.corpus.Document;
import dev.uncurl.corpus.Example;
import dev.uncurl.corpus.Outcome;
import dev.uncurl.corpus.Rejection;
import dev.uncurl.corpus.format.Corpora;
import dev.uncurl.corpus.format.CorpusFormat;
import dev.uncurl.corpus.format.CorpusReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tag;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;

/**
 * Every format and compression under damage of every kind: reading ends, throws nothing, and counts each row once,
 * as examples or as one rejection, and the rest of a damaged file once, at the end.
 */
@Tag("slow")
class AnyDamageTest {
    private static final int CAP = 3_000;
    private static final Map<String, byte[]> SAMPLES = samples();
    private static final List<String> ENDINGS = List.of("", ".gz", ".xz", ".zst");

    /** What is put into a file, or over it. */
    private static final List<byte[]> PIECES = List.of(
            "\0".getBytes(StandardCharsets.UTF_8),
            new byte[700],
            new byte[] {(byte) 0xff, (byte) 0xfe},
            new byte[] {(byte) 0xed, (byte) 0xa0, (byte) 0x80}, // a surrogate in UTF-8's way
            new byte[] {(byte) 0xc0, (byte) 0x80}, // NUL, too long
            new byte[] {(byte) 0xf0, (byte) 0x9f}, // cut off
            new byte[] {(byte) 0xef, (byte) 0xbb, (byte) 0xbf},
            "\\ud800".getBytes(StandardCharsets.UTF_8),
            "\\ud83d\\ude00".getBytes(StandardCharsets.UTF_8),
            "\\u00".getBytes(StandardCharsets.UTF_8),
            "\r\n".getBytes(StandardCharsets.UTF_8),
            "\n\n".getBytes(StandardCharsets.UTF_8),
            "\r".getBytes(StandardCharsets.UTF_8),
            "\t".getBytes(StandardCharsets.UTF_8),
            "\"".getBytes(StandardCharsets.UTF_8),
            "\\".getBytes(StandardCharsets.UTF_8),
            "},{".getBytes(StandardCharsets.UTF_8),
            "null,".getBytes(StandardCharsets.UTF_8),
            "-1".getBytes(StandardCharsets.UTF_8),
            "1e999999999".getBytes(StandardCharsets.UTF_8),
            "9".repeat(2_000).getBytes(StandardCharsets.UTF_8),
            "[".repeat(1_000).getBytes(StandardCharsets.UTF_8),
            "{\"a\":".repeat(1_000).getBytes(StandardCharsets.UTF_8),
            "\"text\":\"again\",".getBytes(StandardCharsets.UTF_8),
            "\"input\":[],".getBytes(StandardCharsets.UTF_8),
            "\"label\":{},".getBytes(StandardCharsets.UTF_8),
            "\\nOPTIONS:\\n- ".getBytes(StandardCharsets.UTF_8),
            "\\n(B) ".getBytes(StandardCharsets.UTF_8),
            "\"Definition\":7,".getBytes(StandardCharsets.UTF_8),
            "word ".repeat(CAP).getBytes(StandardCharsets.UTF_8));

    /**
     * @param kind cut off, leave out, repeat, flip bits, put in, or put over
     * @param place from where, round the file
     * @param length bytes that are concerned
     * @param piece of PIECES, or the bit to flip
     */
    private record Damage(int kind, int place, int length, int piece) {
        byte[] of(byte[] file) {
            int at = file.length == 0 ? 0 : place % file.length;
            int end = Math.min(file.length, at + length);
            byte[] middle =
                    switch (kind) {
                        case 0 -> null; // cut off
                        case 1 -> new byte[0]; // left out
                        case 2 -> repeated(file, at, end);
                        case 3 -> flipped(file, at, end);
                        default -> PIECES.get(piece);
                    };
            var out = new ByteArrayOutputStream();
            out.write(file, 0, at);
            if (middle != null) {
                out.writeBytes(middle);
                int from = kind == 4 ? at : end; // put in, or over
                out.write(file, from, file.length - from);
            }
            return out.toByteArray();
        }

        private static byte[] repeated(byte[] file, int at, int end) {
            var out = new ByteArrayOutputStream();
            out.write(file, at, end - at);
            out.write(file, at, end - at);
            return out.toByteArray();
        }

        private byte[] flipped(byte[] file, int at, int end) {
            byte[] flipped = Arrays.copyOfRange(file, at, Math.min(end, at + 2));
            for (int i = 0; i < flipped.length; i++) {
                flipped[i] ^= (byte) (1 << piece % 8);
            }
            return flipped;
        }
    }

    @Property(tries = 1_500, edgeCases = EdgeCasesMode.NONE, seed = "3")
    void damagedTextIsReadToTheEndAndEachRowCounted(
            @ForAll("formats") String format,
            @ForAll("endings") String ending,
            @ForAll("damages") List<Damage> damages) {
        byte[] file = SAMPLES.get(format);
        for (Damage damage : damages) {
            file = damage.of(file);
        }
        assertLaw(format, ending, compressed(ending, file));
    }

    @Property(tries = 1_500, edgeCases = EdgeCasesMode.NONE, seed = "3")
    void damagedArchivesAreReadToTheEndAndEachRowCounted(
            @ForAll("formats") String format,
            @ForAll("endings") String ending,
            @ForAll("damages") List<Damage> damages) {
        byte[] file = compressed(ending, SAMPLES.get(format));
        for (Damage damage : damages) {
            file = damage.of(file);
        }
        assertLaw(format, ending, file);
    }

    @Property(tries = 300, edgeCases = EdgeCasesMode.NONE, seed = "3")
    void aCutArchiveGivesABeginningOfWhatTheWholeGives(
            @ForAll("formats") String format,
            @ForAll("archives") String ending,
            @ForAll("damages") List<Damage> damages) {
        byte[] whole = compressed(ending, SAMPLES.get(format));
        byte[] cut = Arrays.copyOf(whole, damages.isEmpty() ? 0 : damages.get(0).place % whole.length);
        var all = Corpora.read(format, "x" + ending, whole, CorpusReader.DEFAULT_CAP);
        var some = Corpora.read(format, "x" + ending, cut, CorpusReader.DEFAULT_CAP);
        int good = some.size() - 1;
        assertThat(some.subList(0, good)).isEqualTo(all.subList(0, good));
        assertThat(some.get(good)).isInstanceOfSatisfying(Rejection.class, rejection -> assertThat(rejection.scope())
                .isEqualTo(Rejection.Scope.FILE));
    }

    private static void assertLaw(String format, String ending, byte[] file) {
        var in = CorpusFiles.decompress("x" + ending, new ByteArrayInputStream(file));
        try (var reader = CorpusFormat.of(format).read("x" + ending, in, CAP)) {
            long rows = 0;
            boolean damaged = false;
            for (Outcome outcome : Corpora.all(reader)) {
                assertThat(damaged).as("read on behind the damage").isFalse();
                damaged = Corpora.isDamage(outcome);
                rows += outcome instanceof Example example && example.part() > 0 || damaged ? 0 : 1;
                if (outcome instanceof Document document) {
                    assertThat(document.text()).isNotEmpty();
                } else if (outcome instanceof Rejection rejection) {
                    assertThat(rejection.reason()).isNotBlank();
                    assertThat(rejection.location()).contains("byte ");
                }
            }
            assertThat(reader.rows()).isEqualTo(rows);
            assertThat(reader.hasNext()).isFalse();
        }
    }

    private static byte[] compressed(String ending, byte[] file) {
        return switch (ending) {
            case ".gz" -> Corpora.gzip(file);
            case ".zst" -> Corpora.zstd(file);
            case ".xz" -> xz(file);
            default -> file;
        };
    }

    private static byte[] xz(byte[] file) {
        var out = new ByteArrayOutputStream();
        try (var xz = new XZOutputStream(out, new LZMA2Options(0))) {
            xz.write(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    @Provide
    Arbitrary<String> formats() {
        return Arbitraries.of(SAMPLES.keySet());
    }

    @Provide
    Arbitrary<String> endings() {
        return Arbitraries.of(ENDINGS);
    }

    @Provide
    Arbitrary<String> archives() {
        return Arbitraries.of(ENDINGS.subList(1, 4));
    }

    @Provide
    Arbitrary<List<Damage>> damages() {
        var place = Arbitraries.integers().between(0, 20_000);
        var length = Arbitraries.integers().between(1, 40);
        return Combinators.combine(
                        Arbitraries.integers().between(0, 7),
                        place,
                        length,
                        Arbitraries.integers().between(0, PIECES.size() - 1))
                .as(Damage::new)
                .list()
                .ofMinSize(1)
                .ofMaxSize(4);
    }

    /** A few thousand bytes of each format. */
    private static Map<String, byte[]> samples() {
        var files = new TreeMap<>(Map.of(
                "cc100", "cc100/fiction.txt",
                "mc4", "damaged/bad-rows.json",
                "flan", "flan/winogrande.jsonl",
                "cot", "flan-raw/aqua_train.tsv",
                "super-natural-instructions", "flan-raw/task1729_personachat_generate_next.json"));
        for (var task : Map.of(
                        "boolq", "BoolQ", "cb", "CB", "copa", "COPA", "multirc", "MultiRC", "record", "ReCoRD", "rte",
                        "RTE", "wic", "WiC", "wsc", "WSC")
                .entrySet()) {
            files.put("superglue/" + task.getKey(), "superglue/" + task.getValue() + "/train.jsonl");
        }
        files.put("options/commonsense_qa", "flan/commonsense_qa.jsonl");
        files.put("options/aqua", "flan/cot_aqua.jsonl");
        files.put("arithmetic/gsm8k", "flan/cot_gsm8k.jsonl");
        files.put("minimal-pairs", "minimal-pairs/pairs.jsonl");
        var samples = new TreeMap<String, byte[]>();
        files.forEach((format, file) -> {
            try {
                byte[] bytes = Files.readAllBytes(Path.of(Corpora.DATA + file));
                samples.put(
                        format, file.endsWith(".json") ? bytes : Arrays.copyOf(bytes, Math.min(bytes.length, 6_000)));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        return samples;
    }
}

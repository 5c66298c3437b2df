package dev.uncurl.corpus.format;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.corpus.Document;
import dev.uncurl.corpus.Outcome;
import dev.uncurl.corpus.Rejection;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

/** Random damage of compressed files: nothing is thrown, what stands before the damage stays, reading ends. */
class DamagedFilesTest {
    private static final int GZIP_HEADER = 10;
    private static final List<String> ROWS = rows();
    private static final byte[] PLAIN = String.join("", ROWS).getBytes(StandardCharsets.UTF_8);
    private static final byte[] GZIP = Corpora.gzip(PLAIN);

    @Property(tries = 400)
    void truncationGivesTheRowsBeforeAndOneRejection(@ForAll @IntRange(max = 1_000_000) int where)
            throws DataFormatException {
        int cut = where % GZIP.length;
        var outcomes = Corpora.read("mc4", "x.json.gz", Arrays.copyOf(GZIP, cut), CorpusReader.DEFAULT_CAP);
        int intact = wholeRows(inflate(cut));
        assertThat(outcomes).hasSize(intact + 1);
        assertRowsStand(outcomes, intact);
        assertThat(((Rejection) outcomes.get(intact)).reason()).isEqualTo("damaged gzip data");
    }

    @Property(tries = 400)
    void flippedBytesLoseNoRowBeforeThem(
            @ForAll @Size(min = 1, max = 4) List<@IntRange(max = 1_000_000) Integer> places,
            @ForAll @IntRange(min = 1, max = 255) int bits)
            throws DataFormatException {
        byte[] damaged = GZIP.clone();
        int first = damaged.length;
        for (int place : places) {
            damaged[place % damaged.length] ^= (byte) bits;
            first = Math.min(first, place % damaged.length);
        }
        var outcomes = Corpora.read("mc4", "x.json.gz", damaged, CorpusReader.DEFAULT_CAP);
        assertRowsStand(outcomes, wholeRows(inflate(first)));
    }

    @Property(tries = 200)
    void anyBytesAreReadToTheEnd(@ForAll byte[] bytes, @ForAll @IntRange(max = 3) int kind) {
        String name = List.of("x.gz", "x.xz", "x.json", "x.txt").get(kind);
        for (String format : List.of("cc100", "mc4", "flan", "superglue/copa")) {
            Corpora.read(format, name, bytes, 50);
        }
    }

    @Property(tries = 100)
    void damagedXzIsReadToTheEnd(
            @ForAll @IntRange(max = 1_000_000) int where, @ForAll @IntRange(min = 1, max = 255) int bits)
            throws IOException {
        byte[] xz = Files.readAllBytes(Path.of("../test-data/damaged/truncated.txt.xz"));
        xz[where % xz.length] ^= (byte) bits;
        var outcomes = Corpora.read("cc100", "x.xz", xz, CorpusReader.DEFAULT_CAP);
        assertThat(outcomes.get(outcomes.size() - 1)).isInstanceOf(Rejection.class);
    }

    private static void assertRowsStand(List<Outcome> outcomes, int intact) {
        assertThat(outcomes).hasSizeGreaterThanOrEqualTo(intact);
        long offset = 0;
        for (int i = 0; i < intact; i++) {
            var document = (Document) outcomes.get(i);
            assertThat(ROWS.get(i)).isEqualTo("{\"text\":\"" + document.text() + "\"}\n");
            assertThat(document.offset()).isEqualTo(offset);
            assertThat(document.line()).isEqualTo(i + 1);
            offset += ROWS.get(i).length();
        }
    }

    /** How many bytes the first {@code length} bytes of the file hold, says the JDK's inflater. */
    private static int inflate(int length) throws DataFormatException {
        var inflater = new Inflater(true);
        try {
            inflater.setInput(GZIP, Math.min(GZIP_HEADER, length), Math.max(length - GZIP_HEADER, 0));
            int total = 0;
            var buffer = new byte[1 << 16];
            for (int n = inflater.inflate(buffer); n > 0; n = inflater.inflate(buffer)) {
                total += n;
            }
            return total;
        } finally {
            inflater.end();
        }
    }

    private static int wholeRows(int bytes) {
        int rows = 0;
        for (int i = 0; i < bytes; i++) {
            rows += PLAIN[i] == '\n' ? 1 : 0;
        }
        return rows;
    }

    private static List<String> rows() {
        var random = new Random(7);
        var rows = new ArrayList<String>();
        for (int i = 0; i < 400; i++) {
            var text = new StringBuilder("row " + i);
            for (int words = random.nextInt(60); words > 0; words--) {
                text.append(' ').append(Integer.toString(random.nextInt(100_000), 36));
            }
            rows.add("{\"text\":\"" + text + "\"}\n");
        }
        return rows;
    }
}

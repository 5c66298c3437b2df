package dev.uncurl.corpus.format;

import com.github.luben.zstd.ZstdOutputStreamNoFinalizer;
import dev.uncurl.corpus.Outcome;
import dev.uncurl.corpus.Rejection;
import dev.uncurl.corpus.io.CorpusFiles;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.apache.hadoop.conf.Configuration;

/** What the tests of this package share. */
public final class Corpora {
    public static final String DATA = "../test-data/";
    public static final Configuration HADOOP = new Configuration();

    private Corpora() {}

    public static List<Outcome> read(String format, String file) {
        try (var reader = CorpusFormat.of(format).open(HADOOP, DATA + file)) {
            return all(reader);
        }
    }

    /** Reads bytes as if they were a file of that name. */
    public static List<Outcome> read(String format, String name, byte[] bytes, int cap) {
        var in = CorpusFiles.decompress(name, new ByteArrayInputStream(bytes));
        try (var reader = CorpusFormat.of(format).read(name, in, cap)) {
            return all(reader);
        }
    }

    public static List<Outcome> readText(String format, String text) {
        return read(format, "text", text.getBytes(StandardCharsets.UTF_8), CorpusReader.DEFAULT_CAP);
    }

    public static <T extends Outcome> List<T> only(Class<T> type, List<Outcome> outcomes) {
        return outcomes.stream().filter(type::isInstance).map(type::cast).toList();
    }

    /** Whether it is the rejection of the rest of a file. */
    public static boolean isDamage(Outcome outcome) {
        return outcome instanceof Rejection rejection && rejection.scope() == Rejection.Scope.FILE;
    }

    public static byte[] gzip(byte[] bytes) {
        var out = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(out)) {
            gzip.write(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    /** One zstd frame with a checksum, as the command line tool writes it. */
    public static byte[] zstd(byte[] bytes) {
        var out = new ByteArrayOutputStream();
        try (var zstd = new ZstdOutputStreamNoFinalizer(out)) {
            zstd.setChecksum(true);
            zstd.write(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    public static List<Outcome> all(CorpusReader reader) {
        var outcomes = new ArrayList<Outcome>();
        reader.forEachRemaining(outcomes::add);
        return outcomes;
    }
}

package dev.uncurl.corpus.io;

import static dev.uncurl.corpus.format.Corpora.DATA;
import static dev.uncurl.corpus.format.Corpora.HADOOP;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.corpus.format.Corpora;
import dev.uncurl.corpus.format.CorpusFormat;
import dev.uncurl.error.UserError;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CorpusFilesTest {
    @TempDir
    private Path folder;

    @Test
    void aMissingFileIsRefusedWhenItIsOpened() {
        assertThatThrownBy(() -> CorpusFiles.open(HADOOP, DATA + "nothing.txt")).isInstanceOf(UserError.class);
    }

    @Test
    void aPartThatWasReadHasTheHashOfItsBytesWhateverTheReaderTookOfIt() throws Exception {
        byte[] text = "one\n\ntwo\nand more\n\nthree\n\n".repeat(9_000).getBytes(StandardCharsets.UTF_8);
        String file = Files.write(folder.resolve("a.txt"), text).toString();
        for (int[] part : new int[][] {{0, text.length}, {0, 100_000}, {77_777, 3}, {text.length - 5, 5}, {12, 0}}) {
            byte[] bytes = Arrays.copyOfRange(text, part[0], part[0] + part[1]);
            String expected = HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
            boolean last = part[0] + part[1] == text.length;
            assertThat(CorpusFiles.hash(HADOOP, file, part[0], part[1], last)).isEqualTo(expected);
            for (int documents : new int[] {0, 3, Integer.MAX_VALUE}) {
                var hash = new PartHash(file, part[0], part[1], last);
                try (var reader = CorpusFormat.of("cc100").open(HADOOP, file, part[0], part[1], hash)) {
                    for (int i = 0; i < documents && reader.hasNext(); i++) {
                        reader.next();
                    }
                    hash.require(expected);
                }
            }
        }
    }

    @Test
    void aFileThatChangedIsRefusedWhetherItGrewShrankOrKeptItsSize() throws IOException {
        Path file = folder.resolve("a.txt");
        for (String name : new String[] {"a.txt", "a.txt.gz"}) {
            Path path = folder.resolve(name);
            byte[] text = "some text\n\n".repeat(500).getBytes(StandardCharsets.UTF_8);
            Files.write(path, name.endsWith(".gz") ? Corpora.gzip(text) : text);
            byte[] before = Files.readAllBytes(path);
            String sha256 = CorpusFiles.hash(HADOOP, path.toString(), 0, before.length, true);
            byte[] other = before.clone();
            other[other.length / 2] ^= 1;
            for (byte[] after : new byte[][] {
                Arrays.copyOf(before, before.length - 1), Arrays.copyOf(before, before.length + 1), other, {}
            }) {
                Files.write(path, after);
                assertThatThrownBy(() -> read(path.toString(), before.length, sha256))
                        .isInstanceOfSatisfying(
                                UserError.class, r -> assertThat(r.kind()).isEqualTo(UserError.Kind.INPUT))
                        .hasMessageContaining(name)
                        .hasMessageContaining("changed");
            }
            Files.write(path, before);
            read(path.toString(), before.length, sha256);
        }
        assertThat(file).exists();
    }

    private static void read(String file, long bytes, String sha256) {
        var hash = new PartHash(file, 0, bytes, true);
        try (var reader = CorpusFormat.of("cc100").open(HADOOP, file, hash)) {
            reader.forEachRemaining(outcome -> {});
            hash.require(sha256);
        }
    }

    @Test
    void aFileThatIsNotWhatHadoopsChecksumBesideItSaysIsRefused() throws IOException {
        var path = new org.apache.hadoop.fs.Path(folder.resolve("a.txt").toUri());
        try (var out = path.getFileSystem(HADOOP).create(path)) {
            out.writeBytes("text as Hadoop wrote it");
        }
        Files.writeString(folder.resolve("a.txt"), "text as somebody edits");
        assertThatThrownBy(() -> CorpusFiles.hash(HADOOP, path.toString(), 0, 22, true))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("a.txt")
                .hasMessageContaining(".crc");
    }
}

package dev.uncurl.corpus.io;

import dev.uncurl.error.UserError;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * Recognises files that are not text by their first bytes after decompression: archives, data that is compressed twice
 * or has no compression ending, tables, UTF-16 and UTF-32 with a byte order mark, and pointers of Git LFS and
 * git-annex.
 */
final class FileSignature {
    /** Number of first bytes that are examined. The magic number of a tar header ends at byte 262. */
    private static final int HEAD = 512;

    private static final String COMPRESSED =
            "Decompress it, or rename it to the ending of its compression: .gz, .xz or .zst.";
    private static final String ARCHIVE =
            "Unpack it and name its files; each file may be compressed as .gz, .xz or .zst.";
    private static final String TABLE = "Export it as text or as JSON lines.";

    /** Bytes at a position, their meaning, and the remedy for the user. The first signature that matches is used. */
    private record Signature(int at, byte[] bytes, String meaning, String remedy) {
        boolean matches(byte[] head, int length) {
            return length >= at + bytes.length && Arrays.equals(head, at, at + bytes.length, bytes, 0, bytes.length);
        }
    }

    private static Signature of(int at, String latin1, String meaning, String remedy) {
        return new Signature(at, latin1.getBytes(StandardCharsets.ISO_8859_1), meaning, remedy);
    }

    private static Signature encoding(String mark, String name) {
        return of(0, mark, name + " text", "Convert it: iconv -f " + name + " -t UTF-8.");
    }

    private static final List<Signature> SIGNATURES = List.of(
            of(
                    0,
                    "version https://git-lfs.github.com/spec/",
                    "a pointer of Git LFS instead of the file itself",
                    "Fetch it: git lfs pull."),
            of(0, "/annex/objects/", "a pointer of git-annex instead of the file itself", "Fetch it: git annex get."),
            of(0, "\u001f\u008b\b", "gzip data", COMPRESSED),
            of(0, "\u00fd7zXZ\0", "xz data", COMPRESSED),
            of(0, "(\u00b5/\u00fd", "zstd data", COMPRESSED),
            of(0, "\u0004\"M\u0018", "lz4 data", COMPRESSED),
            of(4, "1AY&SY", "bzip2 data", COMPRESSED),
            of(0, "\u00ff\u0006\0\0sNaPpY", "Snappy data", COMPRESSED),
            of(0, "\u0089LZO\0", "lzop data", COMPRESSED),
            of(257, "ustar", "a tar archive", ARCHIVE),
            of(0, "PK\u0003\u0004", "a zip archive", ARCHIVE),
            of(0, "PK\u0005\u0006", "a zip archive", ARCHIVE),
            of(0, "7z\u00bc\u00af'\u001c", "a 7z archive", ARCHIVE),
            of(0, "Rar!\u001a\u0007", "a RAR archive", ARCHIVE),
            of(0, "WARC/1.", "a WARC archive", "Extract the text of its records first."),
            of(0, "PAR1", "a Parquet file", TABLE),
            of(0, "ARROW1\0\0", "an Arrow file", TABLE),
            of(0, "Obj\u0001", "an Avro file", TABLE),
            of(0, "SEQ\u0006", "a Hadoop sequence file", TABLE),
            of(0, "SQLite format 3\0", "an SQLite database", TABLE),
            of(0, "\u0089HDF\r\n\u001a\n", "an HDF5 file", TABLE),
            of(0, "%PDF-", "a PDF document", "Extract its text first."),
            encoding("\u00ff\u00fe\0\0", "UTF-32"),
            encoding("\0\0\u00fe\u00ff", "UTF-32"),
            encoding("\u00ff\u00fe", "UTF-16"),
            encoding("\u00fe\u00ff", "UTF-16"));

    private FileSignature() {}

    /**
     * Checks the first bytes of a file and returns a stream of all its bytes. If the first bytes are damaged, the
     * returned stream throws when it reads them.
     *
     * @param contents decompressed contents from the first byte
     * @throws UserError (input) if the file is not text
     */
    static InputStream check(String file, InputStream contents) {
        var head = new Head(contents);
        Signature found = head.signature();
        if (found != null && found.remedy.equals(COMPRESSED) && CorpusFiles.compressed(file)) {
            throw notText(file, "is compressed twice: it holds " + found.meaning, "Decompress it once.");
        }
        if (found != null) {
            throw notText(file, "holds " + found.meaning + ", not text", found.remedy);
        }
        return head;
    }

    /**
     * Checks the first bytes on disk of a compressed file and returns a stream of all its bytes.
     *
     * @param compression the compression of its ending: gzip, xz or zstd
     * @throws UserError (input) if the file is of another known kind; a file of no known kind is left to the
     *     decompressor to check
     */
    static InputStream check(String file, String compression, InputStream raw) {
        var head = new Head(raw);
        Signature found = head.signature();
        if (found != null && !found.meaning.equals(compression + " data")) {
            throw notText(file, "holds " + found.meaning + ", not " + compression + " data", found.remedy);
        }
        return head;
    }

    private static UserError notText(String file, String what, String remedy) {
        return UserError.input("input " + file + " " + what, remedy + " No table was changed.");
    }

    /**
     * A stream whose first bytes were read in advance; keeps the exception of that read, if any, for the caller's read.
     */
    private static final class Head extends BlockStream {
        private final InputStream in;
        private final byte[] bytes = new byte[HEAD];
        private int length;
        private int position;
        private IOException damage;

        Head(InputStream in) {
            this.in = in;
            try {
                for (int n = 0; n >= 0 && length < HEAD; length += Math.max(n, 0)) {
                    n = in.read(bytes, length, HEAD - length);
                }
            } catch (IOException e) {
                damage = e;
            }
        }

        /** The signature of the first bytes; null if none matches. */
        Signature signature() {
            return SIGNATURES.stream()
                    .filter(signature -> signature.matches(bytes, length))
                    .findFirst()
                    .orElse(null);
        }

        @Override
        public int read(byte[] b, int off, int len) throws IOException {
            if (position == length) {
                if (damage != null) {
                    throw damage;
                }
                return in.read(b, off, len);
            }
            int n = Math.min(len, length - position);
            System.arraycopy(bytes, position, b, off, n);
            position += n;
            return n;
        }

        @Override
        public void close() throws IOException {
            in.close();
        }
    }
}

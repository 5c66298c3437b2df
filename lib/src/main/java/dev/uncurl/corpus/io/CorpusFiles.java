package dev.uncurl.corpus.io;

import dev.uncurl.error.UserError;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.LongSupplier;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;

/** Opens files of a corpus on any Hadoop file system and decompresses them; {@link CorpusListing} finds them. */
public final class CorpusFiles {
    /** Endings of archives, which are not supported. */
    private static final List<String> ARCHIVES = List.of(
            ".tar",
            ".tar.gz",
            ".tgz",
            ".tar.xz",
            ".txz",
            ".tar.zst",
            ".tzst",
            ".tar.bz2",
            ".tbz2",
            ".zip",
            ".7z",
            ".rar");

    /** Endings of compressed files and tables that are not supported; their bytes must not be read as plain text. */
    private static final List<String> UNREADABLE = List.of(
            ".bz2", ".lz4", ".snappy", ".lzo", ".lzma", ".lz", ".br", ".z", ".parquet", ".orc", ".avro", ".arrow");

    private static final Map<String, String> COMPRESSIONS = Map.of(".gz", "gzip", ".xz", "xz", ".zst", "zstd");

    private CorpusFiles() {}

    /**
     * Opens a file from its beginning. Files named {@code .gz} (all members), {@code .xz} (all streams) and {@code
     * .zst} (all frames) are decompressed; other files are plain text. Damaged data causes an IOException from the
     * stream, a failure of the file system an UncheckedIOException.
     *
     * <p>Decompression uses a bounded window, whatever the size of the decompressed data: 32 KiB for gzip, at most 256
     * MiB for xz and 128 MiB for zstd. A file that needs a larger window counts as damaged. The reader's cap bounds the
     * memory for one line, so an archive of one endless line takes time but no more memory than the cap.
     *
     * @throws UserError (input) if the file does not exist, or its first bytes show that it is not text: an archive,
     *     data that is compressed twice or has no compression ending, UTF-16 or UTF-32 with a byte order mark, a
     *     pointer of Git LFS
     */
    public static InputStream open(Configuration configuration, String file) {
        return openCounted(configuration, file).contents();
    }

    /** Like {@link #open(Configuration, String)}; also hashes the bytes on disk as they are read. */
    public static InputStream open(Configuration configuration, String file, PartHash hash) {
        return checked(file, source(configuration, file, 0, hash)).contents();
    }

    /**
     * An opened file.
     *
     * @param contents decompressed contents
     * @param fileBytes bytes on disk that were read so far
     */
    public record Opened(InputStream contents, LongSupplier fileBytes) {}

    /** Like {@link #open}, and counts the bytes on disk that were read. */
    public static Opened openCounted(Configuration configuration, String file) {
        return checked(file, source(configuration, file, 0, null));
    }

    /**
     * Opens an uncompressed file at a byte. A start after the end of the file gives an empty stream.
     *
     * @param hash receives the bytes as they are read; may be null
     */
    public static InputStream openAt(Configuration configuration, String file, long from, PartHash hash) {
        SourceStream in = source(configuration, file, from, hash);
        return from == 0 ? checked(file, in).contents() : in;
    }

    private static Opened checked(String file, SourceStream in) {
        try {
            return new Opened(FileSignature.check(file, decompress(file, in)), in::count);
        } catch (RuntimeException e) {
            try {
                in.close();
            } catch (IOException closing) {
                e.addSuppressed(closing);
            }
            throw e;
        }
    }

    /**
     * Computes the SHA-256 of a part of a file.
     *
     * @param last whether the file must end at the end of the part
     * @return 64 lower-case hexadecimal digits
     * @throws UserError (input) if the file does not exist or does not have these bytes
     */
    public static String hash(Configuration configuration, String file, long start, long bytes, boolean last) {
        var hash = new PartHash(file, start, bytes, last);
        try (SourceStream in = source(configuration, file, start, hash)) {
            return hash.hex();
        } catch (IOException e) {
            throw new UncheckedIOException("closing " + file, e);
        }
    }

    private static SourceStream source(Configuration configuration, String file, long from, PartHash hash) {
        var path = path(file);
        refuseUnreadable(path);
        try {
            InputStream raw = at(fileSystem(configuration, path).open(path), from);
            var source = new SourceStream(file, from == 0 ? requireCompression(file, raw) : raw, from);
            if (hash != null) {
                source.hashInto(hash);
            }
            return source;
        } catch (FileNotFoundException e) { // Hadoop's local file system also throws this for unreadable files
            throw missing(file, e);
        } catch (IOException e) {
            throw new UncheckedIOException("opening " + file + " at byte " + from, e);
        }
    }

    /** Checks that the first bytes of a compressed file match its ending; returns a stream of the same bytes. */
    private static InputStream requireCompression(String file, InputStream raw) throws IOException {
        String compression = COMPRESSIONS.get(ending(file));
        try {
            return compression == null ? raw : FileSignature.check(file, compression, raw);
        } catch (RuntimeException e) {
            raw.close();
            throw e;
        }
    }

    /**
     * Hadoop cannot form the name of a checksum file if the name has a colon, so such files are read without checksum.
     */
    private static FileSystem fileSystem(Configuration configuration, Path path) throws IOException {
        FileSystem files = path.getFileSystem(configuration);
        return files instanceof LocalFileSystem local && path.getName().indexOf(':') >= 0
                ? local.getRawFileSystem()
                : files;
    }

    private static InputStream at(FSDataInputStream in, long from) throws IOException {
        try {
            in.seek(from);
            return in;
        } catch (EOFException e) {
            in.close();
            return InputStream.nullInputStream();
        }
    }

    public static InputStream decompress(String file, InputStream raw) {
        return decompress(file, new SourceStream(file, raw, 0));
    }

    private static InputStream decompress(String file, SourceStream in) {
        return switch (ending(file)) {
            case ".gz" -> new GzipStream(in);
            case ".xz" -> new XzStream(in);
            case ".zst" -> new ZstdStream(in);
            default -> in;
        };
    }

    /** Whether the ending of the name is one of a compressed file. Such a file can only be read from its beginning. */
    public static boolean compressed(String file) {
        return !ending(file).isEmpty();
    }

    private static String ending(String file) {
        String name = file.toLowerCase(Locale.ROOT);
        return COMPRESSIONS.keySet().stream().filter(name::endsWith).findFirst().orElse("");
    }

    /**
     * Parses a path. Only {@code scheme:/...} names a file system; any other colon is part of a name.
     *
     * @throws UserError (input) if the text is not a valid path
     */
    static Path path(String text) {
        try {
            return text.matches("(?s)[A-Za-z][A-Za-z0-9+.-]*:/.*") ? new Path(text) : new Path(null, null, text);
        } catch (IllegalArgumentException e) {
            throw UserError.input(
                    "input '" + text + "' is not a path: " + e.getMessage(),
                    "Give a path such as data/cc100/*.txt.xz.",
                    e);
        }
    }

    /** @throws UserError (input) for a file with an unsupported ending */
    static void refuseUnreadable(Path path) {
        String name = path.getName().toLowerCase(Locale.ROOT);
        refuse(path, name, ARCHIVES, "Unpack it and name its files, or exclude it from the glob.");
        refuse(path, name, UNREADABLE, "Convert it to plain text, .gz, .xz or .zst, or exclude it from the glob.");
    }

    private static void refuse(Path path, String name, List<String> endings, String remedy) {
        for (String ending : endings) {
            if (name.endsWith(ending)) {
                throw UserError.input(
                        "input " + path + " has the ending " + ending + ", which is not supported", remedy);
            }
        }
    }

    static UserError missing(String pattern, Exception cause) {
        UserError reason = LocalDisk.reasonMissing(path(pattern));
        if (reason != null) {
            return reason;
        }
        return UserError.input(
                "input " + pattern + " does not exist",
                "Check the path; relative paths start at the working folder " + System.getProperty("user.dir") + ".",
                cause);
    }
}

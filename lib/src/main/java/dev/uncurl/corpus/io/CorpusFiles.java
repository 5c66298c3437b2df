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

/** Opens the files of a corpus, on any Hadoop file system, decompressed; {@link CorpusListing} finds them. */
public final class CorpusFiles {
    /** Endings of archives, which are not read. */
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

    /** Endings of compression and tables that are not read; as plain text they would give only rubbish. */
    private static final List<String> UNREADABLE = List.of(
            ".bz2", ".lz4", ".snappy", ".lzo", ".lzma", ".lz", ".br", ".z", ".parquet", ".orc", ".avro", ".arrow");

    private static final Map<String, String> COMPRESSIONS = Map.of(".gz", "gzip", ".xz", "xz", ".zst", "zstd");

    private CorpusFiles() {}

    /**
     * Opens a file from its beginning; {@code .gz} (all members), {@code .xz} (all streams) and {@code .zst} (all frames) are decompressed,
     * anything else is plain. Damage shows as an IOException from the stream, a failing file system as an
     * UncheckedIOException.
     *
     * <p>Decompression streams, so that its memory does not depend on how far a file expands: 32 KiB of window for gzip,
     * at most 256 MiB for xz and 128 MiB for zstd; a file that asks for more is damaged. What it expands to goes
     * through the reader's cap: an archive of one endless line costs time, but no memory beyond the cap.
     *
     * @throws UserError (input) when there is no such file, or its first bytes say that it is no text: an archive, data
     *     compressed twice or without the ending, UTF-16 or UTF-32 with a byte order mark, a pointer of Git LFS
     */
    public static InputStream open(Configuration configuration, String file) {
        return openCounted(configuration, file).contents();
    }

    /** As {@link #open(Configuration, String)}; what is read of the file itself goes through the hash, too. */
    public static InputStream open(Configuration configuration, String file, PartHash hash) {
        return checked(file, source(configuration, file, 0, hash)).contents();
    }

    /**
     * An opened file.
     *
     * @param contents decompressed
     * @param fileBytes bytes of the file, as it lies on disk, that were read for them so far
     */
    public record Opened(InputStream contents, LongSupplier fileBytes) {}

    /** As {@link #open}, with a count of what is read of the file itself. */
    public static Opened openCounted(Configuration configuration, String file) {
        return checked(file, source(configuration, file, 0, null));
    }

    /**
     * Opens a plain file at a byte; behind its end there is nothing to read.
     *
     * @param hash takes what is read; may be null
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
     * Reads a part of a file for its SHA-256 alone.
     *
     * @param last whether the file must end with the part
     * @return 64 lower-case hexadecimal digits
     * @throws UserError (input) when the file is not there, or does not have these bytes
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
            InputStream raw = at(opening(configuration, path).open(path), from);
            var source = new SourceStream(file, from == 0 ? asCompressed(file, raw) : raw, from);
            if (hash != null) {
                source.hashInto(hash);
            }
            return source;
        } catch (FileNotFoundException e) { // Hadoop's local file system says so of files that may not be read, too
            throw missing(file, e);
        } catch (IOException e) {
            throw new UncheckedIOException("opening " + file + " at byte " + from, e);
        }
    }

    /** The same bytes; of a compressed file, once its beginning says that it is compressed as its ending says. */
    private static InputStream asCompressed(String file, InputStream raw) throws IOException {
        String compression = COMPRESSIONS.get(ending(file));
        try {
            return compression == null ? raw : FileSignature.check(file, compression, raw);
        } catch (RuntimeException e) {
            raw.close();
            throw e;
        }
    }

    /** Hadoop's checksums beside local files have names that it cannot make for one with a colon: those have none. */
    private static FileSystem opening(Configuration configuration, Path path) throws IOException {
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

    /** Whether the file is compressed, by its ending: then it can only be read from its beginning. */
    public static boolean compressed(String file) {
        return !ending(file).isEmpty();
    }

    private static String ending(String file) {
        String name = file.toLowerCase(Locale.ROOT);
        return COMPRESSIONS.keySet().stream().filter(name::endsWith).findFirst().orElse("");
    }

    /**
     * The path that a text names. Only {@code scheme:/...} names a file system; any other colon is part of a name.
     *
     * @throws UserError (input) when it cannot be a path
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

    /** @throws UserError (input) for a file whose ending says that it cannot be read */
    static void refuseUnreadable(Path path) {
        String name = path.getName().toLowerCase(Locale.ROOT);
        refuse(path, name, ARCHIVES, "Unpack it and name its files, or leave it out of the glob.");
        refuse(path, name, UNREADABLE, "Write it as text, plain, .gz, .xz or .zst, or leave it out of the glob.");
    }

    private static void refuse(Path path, String name, List<String> endings, String remedy) {
        for (String ending : endings) {
            if (name.endsWith(ending)) {
                throw UserError.input("input " + path + " is " + ending + ", which is not read", remedy);
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
                "Check the path; relative ones start at the working folder " + System.getProperty("user.dir") + ".",
                cause);
    }
}

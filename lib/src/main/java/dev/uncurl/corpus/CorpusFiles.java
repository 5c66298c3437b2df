package dev.uncurl.corpus;

import dev.uncurl.error.Refusal;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Finds the files of a corpus on any Hadoop file system and opens them decompressed. */
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
     * The files that the patterns name, each once, sorted by path.
     *
     * @param patterns paths of files, folders (their files, not deeper) or globs ({@code *}, {@code ?}, {@code [a-b]}, {@code {a,b}}); hidden files, whose
     *     names start with a dot or an underscore, are left out unless they are named
     * @throws Refusal (input) when a pattern names nothing or a file has an ending that is not read
     */
    public static List<CorpusFile> expand(Configuration configuration, Collection<String> patterns) {
        if (patterns.isEmpty()) {
            throw Refusal.usage("no input is given", "Name files, folders or globs of a corpus.");
        }
        var found = new TreeMap<String, CorpusFile>();
        for (String pattern : patterns) {
            for (FileStatus status : matches(configuration, pattern)) {
                refuseUnreadable(status.getPath());
                var file = new CorpusFile(status.getPath().toString(), status.getLen(), status.getModificationTime());
                found.put(file.path(), file);
            }
        }
        return List.copyOf(found.values());
    }

    /**
     * Opens a file from its beginning; {@code .gz} (all members), {@code .xz} (all streams) and {@code .zst} (all frames) are decompressed,
     * anything else is plain. Damage shows as an IOException from the stream, a failing file system as an
     * UncheckedIOException.
     *
     * <p>Decompression streams, so that its memory does not depend on how far a file expands: 32 KiB of window for gzip,
     * at most 256 MiB for xz and 128 MiB for zstd; a file that asks for more is damaged. What it expands to goes
     * through the reader's cap: an archive of one endless line costs time, but no memory beyond the cap.
     *
     * @throws Refusal (input) when there is no such file, or its first bytes say that it is no text: an archive, data
     *     compressed twice or without the ending, UTF-16 or UTF-32 with a byte order mark, a pointer of Git LFS
     */
    public static InputStream open(Configuration configuration, String file) {
        return openCounted(configuration, file).contents();
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
        var path = path(file);
        refuseUnreadable(path);
        try {
            return checked(file, path.getFileSystem(configuration).open(path));
        } catch (FileNotFoundException e) {
            throw missing(file, e);
        } catch (IOException e) {
            throw new UncheckedIOException("opening " + file, e);
        }
    }

    private static Opened checked(String file, InputStream raw) throws IOException {
        try {
            String compression = COMPRESSIONS.get(ending(file));
            var in = new SourceStream(file, compression == null ? raw : FileSignature.check(file, compression, raw), 0);
            return new Opened(FileSignature.check(file, decompress(file, in)), in::count);
        } catch (RuntimeException e) {
            raw.close();
            throw e;
        }
    }

    /** Opens a plain file at a byte; behind its end there is nothing to read. */
    static InputStream openAt(Configuration configuration, String file, long from) {
        if (from == 0) {
            return open(configuration, file);
        }
        var path = path(file);
        refuseUnreadable(path);
        try {
            var in = path.getFileSystem(configuration).open(path);
            try {
                in.seek(from);
            } catch (EOFException e) {
                in.close();
                return InputStream.nullInputStream();
            }
            return new SourceStream(file, in, from);
        } catch (FileNotFoundException e) {
            throw missing(file, e);
        } catch (IOException e) {
            throw new UncheckedIOException("opening " + file + " at byte " + from, e);
        }
    }

    static InputStream decompress(String file, InputStream raw) {
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
    static boolean compressed(String file) {
        return !ending(file).isEmpty();
    }

    private static String ending(String file) {
        String name = file.toLowerCase(Locale.ROOT);
        return COMPRESSIONS.keySet().stream().filter(name::endsWith).findFirst().orElse("");
    }

    private static List<FileStatus> matches(Configuration configuration, String pattern) {
        var path = path(pattern);
        try {
            FileSystem fileSystem = path.getFileSystem(configuration);
            FileStatus[] matched = fileSystem.globStatus(path);
            if (matched == null || matched.length == 0) {
                throw missing(pattern, null);
            }
            var files = new ArrayList<FileStatus>();
            for (FileStatus status : matched) {
                if (status.isFile()) {
                    files.add(status);
                } else {
                    for (FileStatus child : fileSystem.listStatus(status.getPath())) {
                        String name = child.getPath().getName();
                        if (child.isFile() && !name.startsWith(".") && !name.startsWith("_")) {
                            files.add(child);
                        }
                    }
                }
            }
            if (files.isEmpty()) {
                throw Refusal.input(
                        "input " + pattern + " is a folder without files", "Name its files or another folder.");
            }
            return files;
        } catch (FileNotFoundException e) {
            throw missing(pattern, e);
        } catch (IOException e) {
            throw Refusal.input(
                    "input " + pattern + " cannot be listed: " + e.getMessage(),
                    "Check the path, its file system and your rights.",
                    e);
        }
    }

    private static Path path(String text) {
        try {
            return new Path(text);
        } catch (IllegalArgumentException e) {
            throw Refusal.input(
                    "input '" + text + "' is not a path: " + e.getMessage(),
                    "Give a path such as data/cc100/*.txt.xz.",
                    e);
        }
    }

    private static void refuseUnreadable(Path path) {
        String name = path.getName().toLowerCase(Locale.ROOT);
        refuse(path, name, ARCHIVES, "Unpack it and name its files, or leave it out of the glob.");
        refuse(path, name, UNREADABLE, "Write it as text, plain, .gz, .xz or .zst, or leave it out of the glob.");
    }

    private static void refuse(Path path, String name, List<String> endings, String remedy) {
        for (String ending : endings) {
            if (name.endsWith(ending)) {
                throw Refusal.input("input " + path + " is " + ending + ", which is not read", remedy);
            }
        }
    }

    private static Refusal missing(String pattern, Exception cause) {
        return Refusal.input(
                "input " + pattern + " does not exist",
                "Check the path; relative ones start at the working folder " + System.getProperty("user.dir") + ".",
                cause);
    }
}

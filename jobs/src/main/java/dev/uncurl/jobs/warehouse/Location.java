package dev.uncurl.jobs.warehouse;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/** Normalised paths, which can be compared. */
public final class Location {
    private Location() {}

    /**
     * The full path with its scheme. {@code file:/x}, {@code file:///x}, {@code /x/}, a relative path and a symbolic
     * link to {@code /x} all give {@code file:/x}. The place need not exist.
     */
    public static String of(String location, Configuration hadoop) {
        Path path = new Path(location);
        Path qualified;
        try {
            qualified = path.getFileSystem(hadoop).makeQualified(path);
        } catch (IOException e) {
            return path.toString(); // its file system is unknown to this Spark
        }
        return isLocal(qualified) ? real(qualified).toString() : qualified.toString();
    }

    static boolean isLocal(Path qualified) {
        return "file".equals(qualified.toUri().getScheme());
    }

    private static Path real(Path local) {
        java.nio.file.Path path = java.nio.file.Path.of(local.toUri().getPath()).normalize();
        java.nio.file.Path existing = path;
        while (!Files.exists(existing)) {
            existing = existing.getParent();
        }
        try {
            return new Path(
                    "file",
                    null,
                    existing.toRealPath().resolve(existing.relativize(path)).toString());
        } catch (IOException e) {
            throw new UncheckedIOException("resolving " + path, e);
        }
    }

    /** Whether a place is a folder or is inside it; both as returned by {@link #of}. */
    public static boolean isWithin(String folder, String place) {
        return place.equals(folder) || place.startsWith(folder.endsWith("/") ? folder : folder + "/");
    }
}

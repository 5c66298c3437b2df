package dev.uncurl.jobs.warehouse;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/** A place on a file system in one spelling, so that two of them can be compared. */
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
            return path.toString(); // of a file system that this Spark does not know
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
            throw new UncheckedIOException(e);
        }
    }

    /** Whether a place is a folder or lies within it; both as {@link #of} gives them. */
    public static boolean isWithin(String folder, String place) {
        return place.equals(folder) || place.startsWith(folder.endsWith("/") ? folder : folder + "/");
    }
}

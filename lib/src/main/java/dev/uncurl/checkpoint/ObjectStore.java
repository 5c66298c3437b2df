package dev.uncurl.checkpoint;

import java.util.Locale;
import java.util.Set;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Which file systems are object stores. There a file appears, whole, when it is closed, and replaces one of its name; to rename is to
 * copy, and neither the rename of a folder nor the creation of a file that must not exist is atomic.
 */
public final class ObjectStore {
    private static final Set<String> SCHEMES = Set.of(
            "s3a", "s3", "s3n", "gs", "abfs", "abfss", "wasb", "wasbs", "adl", "oss", "cosn", "obs", "swift", "oci");

    private ObjectStore() {}

    public static boolean is(FileSystem fs) {
        return is(fs.getUri().getScheme());
    }

    /** @param path with its scheme */
    public static boolean is(Path path) {
        return is(path.toUri().getScheme());
    }

    private static boolean is(String scheme) {
        return scheme != null && SCHEMES.contains(scheme.toLowerCase(Locale.ROOT));
    }
}

package dev.uncurl.checkpoint;

import java.io.IOException;
import java.util.UUID;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Small files that are created whole: by one of several writers, or in the place of an older one. */
public final class NewFile {
    private NewFile() {}

    /**
     * Creates a file if there is none of its name. Of several processes that try it at the same moment one succeeds; on an object
     * store two may ({@link ObjectStore}), which must read the file again to learn whose it is.
     *
     * @return false if the file exists
     */
    public static boolean create(FileSystem fs, Path file, byte[] content) throws IOException {
        return Storage.createNew(Storage.plain(fs), file, content);
    }

    /** A place for content that is to be moved to {@code file} when it is whole; on an object store it is {@code file} itself. */
    public static Path draft(FileSystem fs, Path file) {
        return ObjectStore.is(fs) ? file : new Path(file.getParent(), "." + file.getName() + "-" + UUID.randomUUID());
    }

    /** Moves a {@link #draft} to its place; an existing file is replaced. */
    public static void publish(FileSystem fs, Path draft, Path file) throws IOException {
        if (draft.equals(file) || fs.rename(draft, file)) {
            return;
        }
        fs.delete(file, false);
        if (!fs.rename(draft, file)) {
            throw new IOException("Cannot rename " + draft + " to " + file);
        }
    }
}

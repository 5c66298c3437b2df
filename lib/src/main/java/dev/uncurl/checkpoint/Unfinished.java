package dev.uncurl.checkpoint;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Folders of models and checkpoints that a killed process left: without a manifest, and either with a file {@code unfinished} or, on
 * an object store, with the name of an attempt. Whoever has the lease of their name may delete them. A folder without a manifest that
 * is not unfinished was damaged after it was finished.
 */
public final class Unfinished {
    private static final String FILE = "unfinished";
    private static final Pattern ATTEMPT = Pattern.compile("(.+)\\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}");

    private Unfinished() {}

    /**
     * Reserves a folder for one writer, until {@link #release}.
     *
     * @param who for a person who looks at the folder
     * @return false if it exists, with anything in it
     */
    static boolean reserve(FileSystem fs, Path folder, String who) throws IOException {
        var file = new Path(folder, FILE);
        if (!Storage.createNew(fs, file, who.getBytes(StandardCharsets.UTF_8))) {
            return false;
        }
        for (FileStatus status : fs.listStatus(folder)) {
            if (!status.getPath().getName().equals(FILE)) {
                fs.delete(file, false);
                return false;
            }
        }
        return true;
    }

    static void release(FileSystem fs, Path folder) throws IOException {
        fs.delete(new Path(folder, FILE), false);
    }

    /** Whether a folder is what a killed writer, or a killed {@link #remove}, left. */
    public static boolean is(FileSystem fs, Path folder) throws IOException {
        return !fs.exists(new Path(folder, ModelFolder.MANIFEST))
                && (isAttempt(folder.getName()) || fs.exists(new Path(folder, FILE)));
    }

    /** Whether a folder has the name of an attempt in place: {@code <name>.<token>}. */
    public static boolean isAttempt(String folder) {
        return ATTEMPT.matcher(folder).matches();
    }

    /** The name of the model or checkpoint whose folder has this name: that of an attempt, without its token, or the whole. */
    public static String name(String folder) {
        var attempt = ATTEMPT.matcher(folder);
        return attempt.matches() ? attempt.group(1) : folder;
    }

    /** Deletes a folder, finished or not; if the process is killed meanwhile, what is left is unfinished. */
    public static void remove(FileSystem fs, Path folder) throws IOException {
        FileSystem plain = Storage.plain(fs);
        if (!isAttempt(folder.getName())) {
            Storage.createNew(plain, new Path(folder, FILE), new byte[0]);
        }
        plain.delete(new Path(folder, ModelFolder.MANIFEST), false);
        plain.delete(folder, true);
    }
}
